#include "cli/settings.h"

#include "base/buf.h"
#include "base/err.h"
#include "carrier/rtp.h"
#include "crypto/equal.h"
#include "crypto/random.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define ENV_FILE_MAX (64 * 1024)

enum kind { TEXT, SECRET, PORT, NUMBER, CHOICE };

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
    {"VE_HTTP_HOST", TEXT, AT(http_host), "127.0.0.1", 0, 0, NULL,
     "address of the HTTP port: webhooks, API"},
    {"VE_HTTP_PORT", PORT, AT(http_port), "8000", 0, 65535, NULL, "HTTP port; 0 takes a free one"},
    {"RINGOVER_WEBSOCKET_HOST", TEXT, AT(media_host), "127.0.0.1", 0, 0, NULL,
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

static int read_file(struct ve_buf *out, const char *path, size_t max)
{
    ve_buf_init(out, max);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return errno == ENOENT ? VE_ENOENT : VE_EIO;
    int err = 0;
    for (;;) {
        err = ve_buf_reserve(out, 1024);
        ssize_t n = err ? 0 : read(fd, out->ptr + out->len, 1024);
        if (n < 0)
            err = VE_EIO;
        if (err || n <= 0)
            break;
        out->len += (size_t)n;
    }
    close(fd);
    return err;
}

/* NAME=value, with optional `export`, blanks, and quotes around the value. */
static bool split_line(struct ve_str line, struct ve_str *name, struct ve_str *value)
{
    line = ve_str_trim(line);
    if (!line.len || line.ptr[0] == '#')
        return false;
    if (ve_str_starts(line, VE_STR("export ")))
        line = ve_str_n(line.ptr + 7, line.len - 7);
    size_t at = ve_str_find(line, '=');
    if (at == SIZE_MAX)
        return false;
    *name = ve_str_trim(ve_str_n(line.ptr, at));
    *value = ve_str_trim(ve_str_n(line.ptr + at + 1, line.len - at - 1));
    bool quoted = value->len >= 2 && (value->ptr[0] == '"' || value->ptr[0] == '\'') &&
                  value->ptr[value->len - 1] == value->ptr[0];
    if (quoted)
        *value = ve_str_n(value->ptr + 1, value->len - 2);
    return true;
}

/* The last line that sets the name, as the shell would have it. */
static bool find_in_file(const struct env_file *file, const char *wanted, struct ve_str *value,
                         unsigned *line)
{
    struct ve_str rest = ve_buf_str(&file->text);
    bool found = false;
    for (unsigned n = 1; rest.ptr; n++) {
        struct ve_str name;
        struct ve_str text;
        if (!split_line(ve_str_cut(&rest, '\n'), &name, &text) || !ve_str_eq(name, ve_str(wanted)))
            continue;
        *value = text;
        *line = n;
        found = true;
    }
    return found;
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

/* The raw text of a name: environment, then file. False: not set. */
static int look_up(const struct ve_setting_source *source, const struct env_file *file,
                   const char *name, struct found *found, struct ve_setting_error *error, bool *set)
{
    const char *env = source->get ? source->get(source->arg, name) : NULL;
    struct ve_str value = ve_str(env);
    unsigned line = 0;
    (void)snprintf(found->where, sizeof(found->where), "in the environment");
    *set = env != NULL;
    if (!*set && find_in_file(file, name, &value, &line)) {
        (void)snprintf(found->where, sizeof(found->where), "%s, line %u", file->path, line);
        *set = true;
    }
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
    if (err) {
        ve_buf_free(&text);
        return refuse(error, path.where, "check the path and its permissions",
                      "%s: the file cannot be read (%s)", file_name, ve_err_name(err));
    }
    struct ve_str trimmed = ve_str_trim(ve_buf_str(&text));
    ve_str_copy(found->value, sizeof(found->value), trimmed);
    ve_str_copy(found->where, sizeof(found->where), ve_str(path.value));
    ve_secret_wipe(text.ptr, text.len);
    ve_buf_free(&text);
    return 0;
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
        return refuse(error, found->where, fix, "%s: \"%s\" is not allowed", setting->name,
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
    return refuse(error, found->where, fix, "%s: \"%s\" is not allowed", setting->name,
                  found->value);
}

static int set_text(struct ve_settings *out, const struct setting *setting,
                    const struct found *found, struct ve_setting_error *error)
{
    char *at = (char *)out + setting->offset;
    bool secret = setting->kind == SECRET;
    if (secret && is_sample(found->value))
        return 0;
    if (!ve_str_copy(at, setting->size, ve_str(found->value)))
        return refuse(error, found->where, "give a shorter one", "%s: the value is too long",
                      setting->name);
    return 0;
}

static int set_value(struct ve_settings *out, const struct setting *setting,
                     const struct found *found, struct ve_setting_error *error)
{
    switch (setting->kind) {
    case TEXT:
    case SECRET:
        return set_text(out, setting, found, error);
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
    if (!err && !set && setting->kind == SECRET)
        err = look_up_secret_file(source, file, setting->name, &found, error, &set);
    if (err)
        return err;
    if (!set)
        ve_str_copy(found.value, sizeof(found.value), ve_str(setting->fallback));
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
    if (file.text.ptr)
        ve_secret_wipe(file.text.ptr, file.text.len);
    ve_buf_free(&file.text);
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

void ve_settings_wipe(struct ve_settings *out)
{
    ve_secret_wipe(&out->secrets, sizeof(out->secrets));
    ve_secret_wipe(&out->tokens, sizeof(out->tokens));
    ve_secret_wipe(out->outbound, sizeof(out->outbound));
}
