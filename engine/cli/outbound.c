#include "cli/outbound.h"

#include "base/alloc.h"
#include "base/err.h"

#include <stdio.h>
#include <string.h>

/* Whose secret goes where. A base URL of the settings is one more place of its provider's. */
struct owner {
    const char *secret;
    const char *hosts[3];
    const char *bases[5]; /* settings */
};

static const struct owner owners[] = {
    {"OPENAI_API_KEY",
     {"api.openai.com"},
     {"OPENAI_BASE_URL", "OPENAI_STT_BASE_URL", "OPENAI_LLM_BASE_URL", "OPENAI_TTS_BASE_URL"}},
    {"ELEVENLABS_API_KEY", {"api.elevenlabs.io"}, {"ELEVENLABS_BASE_URL"}},
    {"DEEPGRAM_API_KEY", {"api.deepgram.com"}, {"DEEPGRAM_BASE_URL"}},
    {"ANTHROPIC_API_KEY", {"api.anthropic.com"}, {"ANTHROPIC_BASE_URL"}},
    {"GEMINI_API_KEY", {"generativelanguage.googleapis.com"}, {"GEMINI_BASE_URL"}},
    {"CARTESIA_API_KEY", {"api.cartesia.ai"}, {"CARTESIA_BASE_URL"}},
    {"ASSEMBLYAI_API_KEY",
     {"streaming.assemblyai.com", "streaming.eu.assemblyai.com"},
     {"ASSEMBLYAI_BASE_URL"}},
    {"RINGOVER_API_KEY", {"public-api.ringover.com"}, {"RINGOVER_API_BASE_URL"}},
};

#define OWNERS (sizeof(owners) / sizeof(owners[0]))

static const struct ve_bind_setting *find(const struct ve_outbound_options *options,
                                          const char *name)
{
    for (size_t i = 0; i < options->count; i++) {
        if (strcmp(options->settings[i].name, name) == 0)
            return &options->settings[i];
    }
    return NULL;
}

static int complain(char why[static 256], const char *name, int err, const char *fix)
{
    (void)snprintf(why, 256, "%s: %s", name, err == VE_EINVAL ? fix : ve_err_name(err));
    return err;
}

/* The places of one provider, and of its secret when that is set. */
static int add_owner(struct ve_outbound *outbound, const struct ve_outbound_options *options,
                     const struct owner *owner, char why[static 256])
{
    const struct ve_bind_setting *secret = find(options, owner->secret);
    struct ve_str name = ve_str(owner->secret);
    int err = secret ? ve_vault_add(&outbound->vault, name, ve_str(secret->value)) : 0;
    for (size_t i = 0; secret && !err && i < 3 && owner->hosts[i]; i++)
        err = ve_vault_allow_host(&outbound->vault, name, ve_str(owner->hosts[i]));
    if (err)
        return complain(why, owner->secret, err, "not a secret");
    for (size_t i = 0; i < 5 && owner->bases[i]; i++) {
        const struct ve_bind_setting *base = find(options, owner->bases[i]);
        if (!base)
            continue;
        err = ve_policy_allow_base(&outbound->policy, ve_str(base->value));
        if (!err && secret)
            err = ve_vault_allow_base(&outbound->vault, name, ve_str(base->value));
        if (err)
            return complain(why, base->name, err,
                            "a base URL is https://host[:port][/path], without user or blanks");
    }
    return 0;
}

static int add_hosts(struct ve_outbound *outbound, const struct ve_outbound_options *options,
                     char why[static 256])
{
    const struct ve_bind_setting *allow = find(options, "VE_HTTP_ALLOW");
    struct ve_str rest = ve_str(allow ? allow->value : NULL);
    while (rest.ptr) {
        struct ve_str host = ve_str_trim(ve_str_cut(&rest, ','));
        int err = host.len ? ve_policy_allow_host(&outbound->policy, host) : 0;
        if (err)
            return complain(why, "VE_HTTP_ALLOW", err,
                            "a list of hosts, as api.example.com, *.example.com, "
                            "api.example.com:8443");
    }
    return 0;
}

static bool is_secret(const char *name)
{
    for (size_t i = 0; i < OWNERS; i++) {
        if (strcmp(owners[i].secret, name) == 0)
            return true;
    }
    return false;
}

static int keep_plain(struct ve_outbound *outbound, const struct ve_outbound_options *options)
{
    for (size_t i = 0; i < options->count; i++) {
        const struct ve_bind_setting *setting = &options->settings[i];
        if (is_secret(setting->name))
            continue;
        if (outbound->plain_count >= VE_OUTBOUND_SETTINGS_MAX)
            return VE_ETOOBIG;
        struct ve_bind_setting *kept = &outbound->plain[outbound->plain_count];
        kept->name = ve_strdup(setting->name);
        kept->value = ve_strdup(setting->value);
        outbound->plain_count++; /* also when one of them is missing: closing frees the other */
        if (!kept->name || !kept->value)
            return VE_ENOMEM;
    }
    return 0;
}

int ve_outbound_open(struct ve_outbound *outbound, const struct ve_outbound_options *options,
                     char why[static 256])
{
    memset(outbound, 0, sizeof(*outbound));
    ve_vault_init(&outbound->vault);
    ve_policy_init(&outbound->policy, NULL);
    why[0] = '\0';
    int err = 0;
    for (size_t i = 0; i < OWNERS && !err; i++)
        err = add_owner(outbound, options, &owners[i], why);
    if (!err)
        err = add_hosts(outbound, options, why);
    if (!err)
        err = keep_plain(outbound, options);
    struct ve_requests_options requests = {
        .loop = options->loop,
        .log = options->log,
        .vault = &outbound->vault,
        .policy = options->anywhere ? NULL : &outbound->policy,
        .script = options->script,
    };
    if (!err)
        err = ve_requests_new(&outbound->requests, &requests);
    if (err && !why[0])
        (void)snprintf(why, 256, "the way out cannot be opened: %s", ve_err_name(err));
    if (err)
        ve_outbound_close(outbound);
    return err;
}

void ve_outbound_close(struct ve_outbound *outbound)
{
    ve_requests_free(outbound->requests);
    outbound->requests = NULL;
    for (size_t i = 0; i < outbound->plain_count; i++) {
        ve_free((void *)(uintptr_t)outbound->plain[i].name);
        ve_free((void *)(uintptr_t)outbound->plain[i].value);
    }
    outbound->plain_count = 0;
    ve_policy_free(&outbound->policy);
    ve_vault_free(&outbound->vault);
}
