#include "door/verify.h"

#include "base/alloc.h"
#include "base/err.h"
#include "carrier/ringover_webhook.h"

#include <stdio.h>

static bool header_at(const void *arg, unsigned i, struct ve_str *name, struct ve_str *value)
{
    return ve_http_header_at(arg, i, name, value);
}

static struct ve_signature_policy policy_of(const struct ve_verify *verify)
{
    return (struct ve_signature_policy){
        .secrets = verify->secrets,
        .url = ve_str(verify->options.url),
        .v3 = verify->options.v3,
        .max_age_s = verify->options.max_age_s,
        .now_ms = ve_loop_wall_ms(verify->loop),
    };
}

static void check(const struct ve_verify *verify, const struct ve_http_request *request,
                  struct ve_signature *out)
{
    struct ve_signature_policy policy = policy_of(verify);
    struct ve_signed_request signed_request = {
        .method = ve_http_method(request),
        .path = ve_http_path(request),
        .body = ve_http_body(request),
        .header = header_at,
        .arg = request,
    };
    ve_signature_check(out, &policy, &signed_request);
}

static void refuse(const struct ve_verify *verify, struct ve_http_request *request,
                   const char *code, const char *problem)
{
    ve_log_event(verify->log, VE_LOG_WARN, "webhook_refused",
                 ve_fmsg("A webhook that cannot be trusted was refused"), ve_ftext("code", code),
                 ve_ftext("why", problem), ve_fstr("peer", ve_http_peer(request)));
    ve_http_refuse(request, 401, code, problem);
}

static struct ve_event *decode(struct ve_http_request *request, struct ve_str text)
{
    struct ve_event *event = NULL;
    char why[96] = "";
    int err = ve_ringover_decode(&event, text, why);
    if (err == VE_EPROTO)
        ve_http_refuse(request, 400, "bad_json", why);
    else if (err)
        ve_http_refuse_with(request, 503, "not_stored", "not enough memory for the event",
                            (struct ve_http_field){"Retry-After", VE_STR("5")});
    return err ? NULL : event;
}

/* What a trusted key brings must be its own, and not a recording of long ago. NULL: all is well. */
static const char *check_event(const struct ve_verify *verify, const struct ve_event *event,
                               unsigned sections, const char **problem)
{
    struct ve_signature_policy policy = policy_of(verify);
    if (!(sections & ve_event_type(event->kind)->section)) {
        *problem = "the key that signed it belongs to another section of the account";
        return sections == VE_SECTION_IVR_CODE ? "signature_missing" : "signature_bad";
    }
    if (!ve_signature_fresh(&policy, event->at_ms)) {
        *problem = event->at_ms > policy.now_ms
                       ? "the event is from the future: compare the clocks"
                       : "the event is older than VE_WEBHOOK_MAX_AGE allows";
        return "stale";
    }
    return NULL;
}

static void log_verified(const struct ve_verify *verify, const struct ve_event *event)
{
    char msg[128];
    (void)snprintf(msg, sizeof(msg), "Webhook signature verified for call ID %s",
                   event->call_id[0] ? event->call_id : "-");
    ve_log_event(verify->log, VE_LOG_INFO, "webhook_verified", ve_fmsg(msg),
                 ve_ftext("call", event->call_id), ve_ftext("name", event->name));
}

/* Decodes what the signature vouches for. */
static struct ve_event *take(const struct ve_verify *verify, struct ve_http_request *request,
                             const struct ve_signature *signature, unsigned sections)
{
    const char *problem = NULL;
    struct ve_event *event = decode(request, ve_signature_event(signature, ve_http_body(request)));
    if (!event)
        return NULL;
    const char *code = check_event(verify, event, sections, &problem);
    if (!code) {
        log_verified(verify, event);
        return event;
    }
    ve_free(event);
    refuse(verify, request, code, problem);
    return NULL;
}

struct ve_event *ve_verify_event(const struct ve_verify *verify, struct ve_http_request *request,
                                 bool path_ok)
{
    struct ve_signature signature;
    struct ve_event *event = NULL;
    check(verify, request, &signature);
    bool unsigned_ok = path_ok && signature.verdict == VE_VERDICT_MISSING;
    unsigned sections = signature.sections | (path_ok ? (unsigned)VE_SECTION_IVR_CODE : 0);
    if (signature.verdict == VE_VERDICT_VALID || unsigned_ok)
        event = take(verify, request, &signature, sections);
    else
        refuse(verify, request,
               signature.verdict == VE_VERDICT_MISSING ? "signature_missing" : "signature_bad",
               ve_signature_problem(&signature));
    ve_signature_free(&signature);
    return event;
}

const char *ve_verify_verdict(const struct ve_verify *verify, const struct ve_http_request *request)
{
    struct ve_signature signature;
    check(verify, request, &signature);
    enum ve_verdict verdict = signature.verdict;
    ve_signature_free(&signature);
    return ve_verdict_name(verdict);
}
