#include "cli/verbs.h"

#include "audio/silero.h"
#include "base/json.h"

#include <curl/curl.h>
#include <json-c/json_c_version.h>
#include <libwebsockets.h>
#include <lua.h>
#include <openssl/crypto.h>
#include <opus.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>
#include <uv.h>

struct library {
    const char *name;
    const char *version;
};

static int print_json(const struct library *libraries, size_t count)
{
    struct ve_buf out;
    struct ve_jsonw w;
    ve_buf_init(&out, 0);
    ve_jsonw_init(&w, &out);
    ve_jsonw_object(&w);
    ve_jsonw_kstr(&w, "version", VE_STR(VE_VERSION));
    ve_jsonw_kstr(&w, "vad", ve_silero_available() ? VE_STR("silero") : VE_STR("webrtc"));
    ve_jsonw_key(&w, "libraries");
    ve_jsonw_object(&w);
    for (size_t i = 0; i < count; i++)
        ve_jsonw_kstr(&w, libraries[i].name, ve_str(libraries[i].version));
    ve_jsonw_object_end(&w);
    ve_jsonw_object_end(&w);
    bool ok = ve_jsonw_end(&w) == 0;
    if (ok)
        printf("%.*s\n", (int)out.len, out.ptr);
    ve_buf_free(&out);
    return ok ? VE_EXIT_OK : VE_EXIT_FAILED;
}

int ve_verb_version(int argc, char **argv)
{
    const struct library libraries[] = {
        {"lua", LUA_VERSION_MAJOR "." LUA_VERSION_MINOR "." LUA_VERSION_RELEASE},
        {"libuv", uv_version_string()},
        {"libwebsockets", lws_get_library_version()},
        {"openssl", OpenSSL_version(OPENSSL_VERSION_STRING)},
        {"libcurl", curl_version_info(CURLVERSION_NOW)->version},
        {"json-c", json_c_version()},
        {"opus", opus_get_version_string()},
        {"sqlite", sqlite3_libversion()},
    };
    size_t count = sizeof(libraries) / sizeof(libraries[0]);
    if (argc > 2 || (argc == 2 && strcmp(argv[1], "--json") != 0))
        return ve_usage("version", "unknown argument");
    if (argc == 2)
        return print_json(libraries, count);
    printf("voiceengine %s\n", VE_VERSION);
    printf("voice activity: %s\n",
           ve_silero_available() ? "Silero" : "WebRTC (no weights built in)");
    for (size_t i = 0; i < count; i++)
        printf("%s %s\n", libraries[i].name, libraries[i].version);
    return VE_EXIT_OK;
}
