/*
 * cli/settings.h - every setting of the engine: its name, default, range, and where it came from.
 *
 * Read from the environment, then from `.env` in the working directory (the environment wins).
 * NAME_FILE reads a secret from a file. A bad value is refused at start with its name, where it
 * stands and what to do; nothing is guessed. docs/reference/settings.md is checked against the
 * table in settings.c.
 */
#ifndef VE_CLI_SETTINGS_H
#define VE_CLI_SETTINGS_H

#include "admin/access.h"
#include "base/log.h"
#include "door/admit.h"
#include "door/signature.h"

#define VE_SETTINGS_OUTBOUND    27
#define VE_SETTING_OUTBOUND_MAX 512 /* bytes, with the NUL */

struct ve_settings {
    /* faces */
    char http_host[64];
    uint16_t http_port; /* 0: any free one */
    char media_host[64];
    uint16_t media_port;
    char tls_cert[512];
    char tls_key[512];
    char data_dir[512];
    enum ve_log_format log_format;
    enum ve_log_level log_level;
    /* secrets */
    struct ve_secrets secrets;
    struct ve_api_tokens tokens;
    struct ve_webhook_options webhooks;
    /* limits */
    uint32_t max_calls;
    uint32_t max_connections_per_ip;
    struct ve_admit_rules rules;
    /* media */
    uint32_t stream_rate; /* Hz of what is sent */
    uint32_t stream_chunk_bytes;
    uint32_t stream_rate_in; /* Hz; 0: by the first frame */
    uint32_t stream_dialect; /* see ve_settings_dialect */
    bool stream_binary;      /* how raw audio is answered */
    char rtp_types[256];     /* for ve_rtp_map_read, which takes it */
    uint32_t rtp_order;      /* enum ve_rtp_order */
    bool media_unknown_refuse;
    /* providers, the carrier's REST interface, and where scripts may reach: by the setting's
     * number; see ve_settings_outbound */
    char outbound[VE_SETTINGS_OUTBOUND][VE_SETTING_OUTBOUND_MAX];
};

/* Why a setting was refused, for people. */
struct ve_setting_error {
    char what[256];  /* 'VE_STREAM_RATE: "44100" is not allowed' */
    char where[128]; /* "environment", ".env line 12", "/run/secrets/x" */
    char fix[256];   /* "use one of 8000, 16000, 24000" */
};

/* A way to look up variables, so that tests and embedded engines bring their own. */
struct ve_setting_source {
    const char *(*get)(void *arg, const char *name);
    void *arg;
    const char *env_file; /* path of the .env file, or NULL */
};

int ve_settings_load(struct ve_settings *out, const struct ve_setting_source *source,
                     struct ve_setting_error *error);
/* From the process's environment and ./.env */
int ve_settings_load_process(struct ve_settings *out, struct ve_setting_error *error);
/* Makes what is missing on loopback (random secrets in $VE_DATA_DIR/dev.env, 0600) or refuses: a
 * public address needs real ones. *made tells whether secrets came from dev.env. */
int ve_settings_complete(struct ve_settings *settings, bool *made, struct ve_setting_error *error);
/* Takes over what may change while the engine runs: secrets, tokens, keys, address lists, rates,
 * the names of the TLS files. True when something else differs too, which needs a restart; *name is
 * then the first such setting. */
bool ve_settings_take_over(struct ve_settings *live, const struct ve_settings *fresh,
                           const char **name);
/* What media connections speak: "auto", "l16", "rtp" or "json". */
const char *ve_settings_dialect(const struct ve_settings *settings);
/* Overwrites the secrets. */
void ve_settings_wipe(struct ve_settings *settings);

/* The i-th of the settings for what leads out: its name and value, "" when it is not set; false
 * past the end. */
bool ve_settings_outbound(const struct ve_settings *settings, size_t i, const char **name,
                          const char **value);

/* For docs and checks: the i-th setting's name, default in words and purpose; false past the end.
 */
bool ve_setting_describe(size_t i, const char **name, const char **fallback, const char **purpose);

#endif
