#include "cli/settings.h"

#include "base/buf.h"
#include "base/err.h"
#include "carrier/rtp.h"
#include "cli/env_text.h"
#include "crypto/equal.h"
#include "net/address.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define ENV_FILE_MAX (64 * 1024)

enum kind { TEXT, HOST, SECRET, PORT, NUMBER, CHOICE, ADDRESSES };

struct setting {
    const char *name;
    enum kind kind;
    size_t offset; /* in struct ve_settings */
    size_t size;   /* of a text */
    const char *fallback;
    uint64_t min, max;          /* of a number */
    const char *const *choices; /* of a choice: the value is the index, or the number it spells */
    const char *purpose;
};

static const char *const rates[] = {"8000", "16000", "24000", NULL};
static const char *const rates_in[] = {"0", "8000", "16000", "24000", "48000", NULL};
static const char *const dialects[] = {"auto", "l16", "rtp", "json", NULL};
static const char *const answers[] = {"json", "binary", NULL};
static const char *const orders[] = {"big", "little", "auto", NULL}; /* enum ve_rtp_order */
static const char *const log_formats[] = {"text", "json", NULL};
static const char *const log_levels[] = {"debug", "info", "warn", "error", NULL};
static const char *const switches[] = {"off", "on", NULL};
static const char *const unknown[] = {"accept", "refuse", NULL};

#define AT(field) offsetof(struct ve_settings, field), sizeof(((struct ve_settings *)0)->field)

static const struct setting settings[] = {
    {"VE_HTTP_HOST", HOST, AT(http_host), "127.0.0.1", 0, 0, NULL,
     "address of the HTTP port: webhooks, API"},
    {"VE_HTTP_PORT", PORT, AT(http_port), "8000", 0, 65535, NULL, "HTTP port; 0 takes a free one"},
    {"RINGOVER_WEBSOCKET_HOST", HOST, AT(media_host), "127.0.0.1", 0, 0, NULL,
     "address of the media port"},
    {"RINGOVER_WEBSOCKET_PORT", PORT, AT(media_port), "8001", 0, 65535, NULL,
     "media port; 0 takes a free one"},
    {"VE_TLS_CERT", TEXT, AT(tls_cert), "", 0, 0, NULL, "PEM certificate chain for both ports"},
    {"VE_TLS_KEY", TEXT, AT(tls_key), "", 0, 0, NULL, "PEM key for both ports"},
    {"VE_DATA_DIR", TEXT, AT(data_dir), "./.voiceengine", 0, 0, NULL,
     "folder for what the engine keeps"},
    {"VE_LOG", CHOICE, AT(log_format), "text", 0, 0, log_formats, "log format"},
    {"VE_LOG_LEVEL", CHOICE, AT(log_level), "info", 0, 0, log_levels, "least level that is logged"},
    {"RINGOVER_WEBHOOK_SECRET", SECRET, AT(secrets.webhook), "", 0, 0, NULL,
     "key that signs the webhooks"},
    {"RINGOVER_WEBHOOK_SECRET_PREVIOUS", SECRET, AT(secrets.webhook_previous), "", 0, 0, NULL,
     "the key before, while it is being changed"},
    {"RINGOVER_WEBHOOK_SECRET_CONTACT", SECRET, AT(secrets.contact), "", 0, 0, NULL,
     "key of the section Contact Call, when it has one of its own"},
    {"RINGOVER_WEBHOOK_SECRET_CONTACT_PREVIOUS", SECRET, AT(secrets.contact_previous), "", 0, 0,
     NULL, "the key before, while it is being changed"},
    {"RINGOVER_WEBHOOK_SECRET_SEARCH", SECRET, AT(secrets.search), "", 0, 0, NULL,
     "key of the section Contact Search, when it has one of its own"},
    {"RINGOVER_WEBHOOK_SECRET_SEARCH_PREVIOUS", SECRET, AT(secrets.search_previous), "", 0, 0, NULL,
     "the key before, while it is being changed"},
    {"RINGOVER_WEBHOOK_SECRET_ROUTING", SECRET, AT(secrets.routing), "", 0, 0, NULL,
     "key of Smart Routing and IVR codes, when they have one of their own"},
    {"RINGOVER_WEBHOOK_SECRET_ROUTING_PREVIOUS", SECRET, AT(secrets.routing_previous), "", 0, 0,
     NULL, "the key before, while it is being changed"},
    {"RINGOVER_WEBHOOK_URL", TEXT, AT(webhooks.url), "", 0, 0, NULL,
     "public address of the HTTP port, as Ringover's dashboard has it"},
    {"VE_WEBHOOK_PATH_SECRET", SECRET, AT(secrets.path), "", 0, 0, NULL,
     "segment behind the webhook address that stands for a signature of IVR codes"},
    {"VE_WEBHOOK_PATH_SECRET_PREVIOUS", SECRET, AT(secrets.path_previous), "", 0, 0, NULL,
     "the segment before, while it is being changed"},
    {"VE_WEBHOOK_MAX_AGE", NUMBER, AT(webhooks.max_age_s), "345600", 1, 345600, NULL,
     "seconds after which an event is refused"},
    {"VE_WEBHOOK_V3", CHOICE, AT(webhooks.v3), "off", 0, 0, switches,
     "Ringover's third form of signature; needs RINGOVER_WEBHOOK_URL"},
    {"RINGOVER_STREAMER_AUTH_TOKEN", SECRET, AT(secrets.stream_token), "", 0, 0, NULL,
     "token that media connections must bring"},
    {"VE_API_TOKEN", SECRET, AT(tokens.operate), "", 0, 0, NULL, "token for the API, may operate"},
    {"VE_API_TOKEN_READ", SECRET, AT(tokens.read), "", 0, 0, NULL, "token for the API, may read"},
    {"VE_MAX_CALLS", NUMBER, AT(max_calls), "1000", 1, 100000, NULL, "calls at once"},
    {"VE_MAX_CONNECTIONS_PER_IP", NUMBER, AT(max_connections_per_ip), "1000", 1, 100000, NULL,
     "connections from one address, on each port"},
    {"VE_WEBHOOKS_PER_IP", NUMBER, AT(rules.webhooks_per_second), "200", 0, 100000, NULL,
     "webhooks a second from one address; 0: any number"},
    {"VE_WEBHOOK_ALLOW", ADDRESSES, AT(rules.webhooks), "", 0, 0, NULL,
     "addresses that webhooks may come from: \"10.0.0.0/8, 2001:db8::/32\"; none: all"},
    {"VE_MEDIA_ALLOW", ADDRESSES, AT(rules.media), "", 0, 0, NULL,
     "addresses that media connections may come from; none: all"},
    {"VE_TRUSTED_PROXIES", ADDRESSES, AT(rules.proxies), "", 0, 0, NULL,
     "proxies whose X-Forwarded-For is believed"},
    {"VE_STREAM_RATE", CHOICE, AT(stream_rate), "16000", 0, 0, rates,
     "sample rate (Hz) of the audio that is sent"},
    {"VE_STREAM_RATE_IN", CHOICE, AT(stream_rate_in), "0", 0, 0, rates_in,
     "sample rate (Hz) of raw audio that comes, when nothing tells; 0: by the first frame"},
    {"VE_STREAM_DIALECT", CHOICE, AT(stream_dialect), "auto", 0, 0, dialects,
     "what media connections speak"},
    {"VE_STREAM_OUT", CHOICE, AT(stream_binary), "json", 0, 0, answers,
     "how raw audio is answered: streamAudio messages, or binary ones of 20 ms"},
    {"VE_RTP_TYPES", TEXT, AT(rtp_types), "", 0, 0, NULL,
     "RTP payload types besides the usual ones: 96=L16/16000 111=opus; the first is sent"},
    {"VE_RTP_L16_ORDER", CHOICE, AT(rtp_order), "big", 0, 0, orders,
     "byte order of L16 in RTP packets"},
    {"VE_STREAM_CHUNK_BYTES", NUMBER, AT(stream_chunk_bytes), "4096", 320, 16384, NULL,
     "audio bytes of one streamAudio message, before base64"},
    {"VE_MEDIA_UNKNOWN", CHOICE, AT(media_unknown_refuse), "accept", 0, 0, unknown,
     "a media connection whose call no webhook has announced"},
    {"OPENAI_API_KEY", SECRET, AT(outbound[0]), "", 0, 0, NULL, "OpenAI's key"},
    {"OPENAI_BASE_URL", TEXT, AT(outbound[1]), "", 0, 0, NULL,
     "OpenAI, or a server that speaks its dialect: the URL with its version segment"},
    {"OPENAI_STT_BASE_URL", TEXT, AT(outbound[2]), "", 0, 0, NULL,
     "the same for transcription alone"},
    {"OPENAI_LLM_BASE_URL", TEXT, AT(outbound[3]), "", 0, 0, NULL,
     "the same for language models alone"},
    {"OPENAI_TTS_BASE_URL", TEXT, AT(outbound[4]), "", 0, 0, NULL, "the same for voices alone"},
    {"OPENAI_MODEL", TEXT, AT(outbound[5]), "", 0, 0, NULL, "language model at OpenAI"},
    {"OPENAI_MAX_TOKENS", TEXT, AT(outbound[6]), "", 0, 0, NULL,
     "most tokens of one of its answers"},
    {"WHISPER_MODEL", TEXT, AT(outbound[7]), "", 0, 0, NULL, "transcription model at OpenAI"},
    {"ELEVENLABS_API_KEY", SECRET, AT(outbound[8]), "", 0, 0, NULL, "ElevenLabs' key"},
    {"ELEVENLABS_BASE_URL", TEXT, AT(outbound[9]), "", 0, 0, NULL,
     "ElevenLabs: the URL without a version segment"},
    {"ELEVENLABS_VOICE_ID", TEXT, AT(outbound[10]), "", 0, 0, NULL, "voice at ElevenLabs"},
    {"ELEVENLABS_MODEL", TEXT, AT(outbound[11]), "", 0, 0, NULL, "voice model at ElevenLabs"},
    {"ELEVENLABS_OPTIMIZE_LATENCY", TEXT, AT(outbound[12]), "", 0, 0, NULL,
     "0 to 4: how much quality ElevenLabs gives up for time"},
    {"DEEPGRAM_API_KEY", SECRET, AT(outbound[13]), "", 0, 0, NULL, "Deepgram's key"},
    {"DEEPGRAM_BASE_URL", TEXT, AT(outbound[14]), "", 0, 0, NULL,
     "Deepgram: the URL without a version segment"},
    {"ANTHROPIC_API_KEY", SECRET, AT(outbound[15]), "", 0, 0, NULL, "Anthropic's key"},
    {"ANTHROPIC_BASE_URL", TEXT, AT(outbound[16]), "", 0, 0, NULL,
     "Anthropic: the URL without a version segment"},
    {"GEMINI_API_KEY", SECRET, AT(outbound[17]), "", 0, 0, NULL, "Google Gemini's key"},
    {"GEMINI_BASE_URL", TEXT, AT(outbound[18]), "", 0, 0, NULL,
     "Google Gemini: the URL without a version segment"},
    {"CARTESIA_API_KEY", SECRET, AT(outbound[19]), "", 0, 0, NULL, "Cartesia's key"},
    {"CARTESIA_BASE_URL", TEXT, AT(outbound[20]), "", 0, 0, NULL, "Cartesia: the URL"},
    {"ASSEMBLYAI_API_KEY", SECRET, AT(outbound[21]), "", 0, 0, NULL, "AssemblyAI's key"},
    {"ASSEMBLYAI_BASE_URL", TEXT, AT(outbound[22]), "", 0, 0, NULL, "AssemblyAI: the URL"},
    {"RINGOVER_API_KEY", SECRET, AT(outbound[23]), "", 0, 0, NULL,
     "key of Ringover's REST interface"},
    {"RINGOVER_API_BASE_URL", TEXT, AT(outbound[24]), "", 0, 0, NULL,
     "Ringover's REST interface: the URL with its version segment"},
    {"RINGOVER_DEFAULT_CALLER_ID", TEXT, AT(outbound[26]), "", 0, 0, NULL,
     "number that SMS and callbacks come from when they name none"},
    {"VE_HTTP_ALLOW", TEXT, AT(outbound[25]), "", 0, 0, NULL,
     "hosts that scripts may reach: `api.example.com, *.example.com, host:8443`"},
};

#define COUNT (sizeof(settings) / sizeof(settings[0]))

bool ve_settings_outbound(const struct ve_settings *out, size_t i, const char **name,
                          const char **value)
{
    for (size_t row = 0; row < COUNT; row++) {
        if (i >= VE_SETTINGS_OUTBOUND ||
            settings[row].offset != offsetof(struct ve_settings, outbound) + i * settings[row].size)
            continue;
        *name = settings[row].name;
        *value = out->outbound[i];
        return true;
    }
    return false;
}

bool ve_setting_describe(size_t i, const char **name, const char **fallback, const char **purpose)
{
    if (i >= COUNT)
        return false;
    *name = settings[i].name;
    *fallback = settings[i].fallback;
    *purpose = settings[i].purpose;
    return true;
}

/* --- the .env file ---------------------------------------------------------------------------- */

struct env_file {
    struct ve_buf text;
    const char *path;
};

/* Reads at most `max` bytes; VE_ETOOBIG when there are more. */
static int read_file(struct ve_buf *out, const char *path, size_t max)
{
    char piece[1024];
    ve_buf_init(out, max);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return errno == ENOENT ? VE_ENOENT : VE_EIO;
    int err = 0;
    for (;;) {
        ssize_t n = read(fd, piece, sizeof(piece));
        err = n < 0 ? VE_EIO : ve_buf_add(out, piece, (size_t)n);
        if (err || n == 0)
            break;
    }
    ve_secret_wipe(piece, sizeof(piece));
    close(fd);
    return err;
}

static void wipe_file(struct ve_buf *text)
{
    if (text->ptr)
        ve_secret_wipe(text->ptr, text->len);
    ve_buf_free(text);
}

/* --- one value -------------------------------------------------------------------------------- */

struct found {
    char value[1024];
    char where[128];
};

static int refuse(struct ve_setting_error *error, const char *where, const char *fix,
                  const char *format, ...) __attribute__((format(printf, 4, 5)));

static int refuse(struct ve_setting_error *error, const char *where, const char *fix,
                  const char *format, ...)
{
    va_list args;
    va_start(args, format);
    (void)vsnprintf(error->what, sizeof(error->what), format, args);
    va_end(args);
    (void)snprintf(error->where, sizeof(error->where), "%s", where);
    (void)snprintf(error->fix, sizeof(error->fix), "%s", fix);
    return VE_EINVAL;
}

/* The raw text of a name: environment, then file. False: not set, or set to nothing. */
static int look_up(const struct ve_setting_source *source, const struct env_file *file,
                   const char *name, struct found *found, struct ve_setting_error *error, bool *set)
{
    const char *env = source->get ? source->get(source->arg, name) : NULL;
    struct ve_str value = ve_str(env);
    unsigned line = 0;
    int err = 0;
    (void)snprintf(found->where, sizeof(found->where), "in the environment");
    if (!env) {
        err = ve_env_find(ve_buf_str(&file->text), ve_str(name), &value, &line);
        (void)snprintf(found->where, sizeof(found->where), "%s, line %u", file->path, line);
    }
    *set = !err && value.len > 0;
    if (err == VE_EPROTO)
        return refuse(error, found->where, "write NAME=value or NAME=\"value\"",
                      "%s: the line cannot be read", name);
    if (*set && !ve_str_copy(found->value, sizeof(found->value), value))
        return refuse(error, found->where, "give a shorter one", "%s: the value is too long", name);
    return 0;
}

/* NAME_FILE: a secret from a file (as container platforms give them). */
static int look_up_secret_file(const struct ve_setting_source *source, const struct env_file *file,
                               const char *name, struct found *found,
                               struct ve_setting_error *error, bool *set)
{
    char file_name[80];
    struct found path;
    struct ve_buf text;
    (void)snprintf(file_name, sizeof(file_name), "%s_FILE", name);
    int err = look_up(source, file, file_name, &path, error, set);
    if (err || !*set)
        return err;
    err = read_file(&text, path.value, sizeof(found->value) - 1);
    struct ve_str trimmed = ve_str_trim(ve_buf_str(&text));
    if (!err && ve_str_find(trimmed, '\0') != SIZE_MAX)
        err = VE_EPROTO;
    if (err)
        err = refuse(error, path.where, "check the path, its permissions and what it holds",
                     "%s: the file cannot be read (%s)", file_name, ve_err_name(err));
    ve_str_copy(found->value, sizeof(found->value), trimmed);
    ve_str_copy(found->where, sizeof(found->where), ve_str(path.value));
    wipe_file(&text);
    return err;
}

/* What examples and templates hold in place of a secret counts as none. */
static bool is_sample(const char *secret)
{
    size_t len = strlen(secret);
    return len < 8 || strncmp(secret, "your_", 5) == 0 || strncmp(secret, "your-", 5) == 0 ||
           strncmp(secret, "changeme", 8) == 0;
}

static int set_number(struct ve_settings *out, const struct setting *setting,
                      const struct found *found, struct ve_setting_error *error)
{
    char fix[128];
    uint64_t value;
    if (ve_str_u64(&value, ve_str(found->value), setting->max) != 0 || value < setting->min) {
        (void)snprintf(fix, sizeof(fix), "use a whole number from %llu to %llu",
                       (unsigned long long)setting->min, (unsigned long long)setting->max);
        return refuse(error, found->where, fix, "%s: \"%.60s\" is not allowed", setting->name,
                      found->value);
    }
    char *at = (char *)out + setting->offset;
    if (setting->kind == PORT) {
        uint16_t port = (uint16_t)value;
        memcpy(at, &port, sizeof(port));
    } else {
        uint32_t number = (uint32_t)value;
        memcpy(at, &number, sizeof(number));
    }
    return 0;
}

static int set_choice(struct ve_settings *out, const struct setting *setting,
                      const struct found *found, struct ve_setting_error *error)
{
    char fix[160] = "use one of";
    uint64_t spelled;
    for (uint32_t i = 0; setting->choices[i]; i++) {
        size_t len = strlen(fix);
        (void)snprintf(fix + len, sizeof(fix) - len, "%s %s", i ? "," : "", setting->choices[i]);
        if (strcmp(setting->choices[i], found->value) != 0)
            continue;
        /* The field is a number of any width, the value an index or what the choice spells. */
        bool is_number = ve_str_u64(&spelled, ve_str(setting->choices[i]), UINT32_MAX) == 0;
        uint32_t value = is_number ? (uint32_t)spelled : i;
        memset((char *)out + setting->offset, 0, setting->size);
        memcpy((char *)out + setting->offset, &value,
               setting->size < sizeof(value) ? setting->size : sizeof(value));
        return 0;
    }
    return refuse(error, found->where, fix, "%s: \"%.60s\" is not allowed", setting->name,
                  found->value);
}

static int set_text(struct ve_settings *out, const struct setting *setting,
                    const struct found *found, struct ve_setting_error *error)
{
    char *at = (char *)out + setting->offset;
    if (setting->kind == SECRET && is_sample(found->value))
        return 0;
    if (!ve_str_copy(at, setting->size, ve_str(found->value)))
        return refuse(error, found->where, "give a shorter one", "%s: the value is too long",
                      setting->name);
    return 0;
}

/* A name would have to be looked up, and might be anything the next time. */
static int set_host(struct ve_settings *out, const struct setting *setting,
                    const struct found *found, struct ve_setting_error *error)
{
    struct ve_str host = ve_str(found->value);
    if (!ve_str_eq(host, VE_STR("localhost")) && !ve_address_is_literal(host))
        return refuse(error, found->where, "use an IPv4 or IPv6 address, or localhost",
                      "%s: \"%.60s\" is not allowed", setting->name, found->value);
    return set_text(out, setting, found, error);
}

static int set_addresses(struct ve_settings *out, const struct setting *setting,
                         const struct found *found, struct ve_setting_error *error)
{
    struct ve_str bad;
    void *list = (char *)out + setting->offset;
    int err = ve_cidr_parse(list, ve_str(found->value), &bad);
    if (err == VE_ETOOBIG)
        return refuse(error, found->where, "join blocks, or filter in the firewall",
                      "%s: more than %d blocks", setting->name, VE_CIDR_MAX);
    if (err)
        return refuse(error, found->where,
                      "use addresses or blocks with nothing set behind the prefix: 10.0.0.0/8, "
                      "2001:db8::/32",
                      "%s: \"%.*s\" is not allowed", setting->name,
                      (int)(bad.len < 60 ? bad.len : 60), bad.ptr);
    return 0;
}

static int set_value(struct ve_settings *out, const struct setting *setting,
                     const struct found *found, struct ve_setting_error *error)
{
    switch (setting->kind) {
    case TEXT:
    case SECRET:
        return set_text(out, setting, found, error);
    case HOST:
        return set_host(out, setting, found, error);
    case ADDRESSES:
        return set_addresses(out, setting, found, error);
    case CHOICE:
        return set_choice(out, setting, found, error);
    default:
        return set_number(out, setting, found, error);
    }
}

static int load_one(struct ve_settings *out, const struct setting *setting,
                    const struct ve_setting_source *source, const struct env_file *file,
                    struct ve_setting_error *error)
{
    struct found found = {.where = "the default"};
    bool set = false;
    int err = look_up(source, file, setting->name, &found, error, &set);
    bool secret = setting->kind == SECRET;
    if (!err && secret && (!set || is_sample(found.value)))
        err = look_up_secret_file(source, file, setting->name, &found, error, &set);
    if (!err && !set && !secret)
        ve_str_copy(found.value, sizeof(found.value), ve_str(setting->fallback));
    if (!err)
        err = set_value(out, setting, &found, error);
    ve_secret_wipe(&found, sizeof(found));
    return err;
}

/* --- the whole -------------------------------------------------------------------------------- */

/* What only makes sense beside something else. */
static int check_together(const struct ve_settings *out, struct ve_setting_error *error)
{
    struct ve_str url = ve_str(out->webhooks.url);
    if (!out->tls_cert[0] != !out->tls_key[0])
        return refuse(error, "VE_TLS_CERT, VE_TLS_KEY", "set both, or neither",
                      "TLS needs a certificate and its key");
    if (url.len && !ve_str_starts(url, VE_STR("https://")) &&
        !ve_str_starts(url, VE_STR("http://")))
        return refuse(error, "RINGOVER_WEBHOOK_URL", "write it as https://agent.example.com",
                      "RINGOVER_WEBHOOK_URL: \"%s\" is no address", out->webhooks.url);
    struct ve_rtp_map map;
    char why[96];
    ve_rtp_map_default(&map);
    if (ve_rtp_map_read(&map, ve_str(out->rtp_types), why) != 0)
        return refuse(error, "VE_RTP_TYPES", "write it as 96=L16/16000 111=opus",
                      "VE_RTP_TYPES: %s", why);
    if (out->webhooks.v3 && !url.len)
        return refuse(error, "VE_WEBHOOK_V3", "set RINGOVER_WEBHOOK_URL, or VE_WEBHOOK_V3=off",
                      "VE_WEBHOOK_V3: such a signature cannot be checked without "
                      "RINGOVER_WEBHOOK_URL");
    return 0;
}

int ve_settings_load(struct ve_settings *out, const struct ve_setting_source *source,
                     struct ve_setting_error *error)
{
    struct env_file file = {.path = source->env_file};
    memset(out, 0, sizeof(*out));
    memset(error, 0, sizeof(*error));
    ve_buf_init(&file.text, ENV_FILE_MAX);
    int err = source->env_file ? read_file(&file.text, source->env_file, ENV_FILE_MAX) : 0;
    if (err == VE_ENOENT)
        err = 0;
    else if (err)
        err = refuse(error, source->env_file, "make it readable, at most 64 KiB",
                     "the settings file cannot be read (%s)", ve_err_name(err));
    for (size_t i = 0; i < COUNT && !err; i++)
        err = load_one(out, &settings[i], source, &file, error);
    wipe_file(&file.text);
    return err ? err : check_together(out, error);
}

const char *ve_settings_dialect(const struct ve_settings *from)
{
    return dialects[from->stream_dialect];
}

static const char *process_get(void *arg, const char *name)
{
    (void)arg;
    return getenv(name);
}

int ve_settings_load_process(struct ve_settings *out, struct ve_setting_error *error)
{
    struct ve_setting_source source = {process_get, NULL, ".env"};
    return ve_settings_load(out, &source, error);
}

/* What the engine looks at again and again, and what it reads once at its start. */
static bool is_live(const struct setting *setting)
{
    return setting->kind == SECRET || setting->kind == ADDRESSES ||
           setting->offset == offsetof(struct ve_settings, rules.webhooks_per_second) ||
           setting->offset == offsetof(struct ve_settings, tls_cert) ||
           setting->offset == offsetof(struct ve_settings, tls_key);
}

bool ve_settings_take_over(struct ve_settings *live, const struct ve_settings *fresh,
                           const char **name)
{
    bool restart = false;
    for (size_t i = 0; i < COUNT; i++) {
        char *to = (char *)live + settings[i].offset;
        const char *from = (const char *)fresh + settings[i].offset;
        if (is_live(&settings[i])) {
            memcpy(to, from, settings[i].size);
        } else if (!restart && memcmp(to, from, settings[i].size) != 0) {
            restart = true;
            *name = settings[i].name;
        }
    }
    return restart;
}

void ve_settings_wipe(struct ve_settings *out)
{
    ve_secret_wipe(&out->secrets, sizeof(out->secrets));
    ve_secret_wipe(&out->tokens, sizeof(out->tokens));
    ve_secret_wipe(out->outbound, sizeof(out->outbound));
}
