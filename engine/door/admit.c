#include "door/admit.h"

#include "base/alloc.h"
#include "base/err.h"
#include "base/map.h"
#include "crypto/random.h"
#include "net/address.h"

#include <string.h>

/* Addresses whose rate is remembered: sets of a few, as in a processor's cache, so that a flood of
 * addresses costs neither memory nor time. */
#define SETS 1024
#define WAYS 4

#define LAG_LOOK  (100 * VE_MS)
#define LAG_LIMIT (5 * VE_MS)

struct bucket {
    uint8_t address[16];
    uint64_t at; /* ns; 0: unused */
    double tokens;
};

struct ve_admit {
    struct ve_admit_config config;
    struct ve_admit_rules rules;
    struct ve_metric *turned_away;
    uint64_t seed[2];
    struct bucket buckets[SETS][WAYS];
    struct ve_timer look;
    uint64_t due;
    double lag; /* ns, smoothed: one late timer says nothing */
};

/* --- the loop's load -------------------------------------------------------------------------- */

static void on_look(void *arg)
{
    struct ve_admit *admit = arg;
    uint64_t now = ve_loop_now(admit->config.loop);
    double late = now > admit->due ? (double)(now - admit->due) : 0;
    admit->lag += (late - admit->lag) / 8;
    admit->due = now + LAG_LOOK;
    ve_timer_start(&admit->look, LAG_LOOK);
}

static bool is_overloaded(const struct ve_admit *admit)
{
    return admit->lag > LAG_LIMIT && ve_calls_active(admit->config.calls) > 0;
}

/* --- how often -----------------------------------------------------------------------------------
 */

/* The address's bucket: its own, or the one of its set that was not used for longest. */
static struct bucket *bucket_of(struct ve_admit *admit, const uint8_t address[static 16])
{
    uint64_t hash = ve_siphash(admit->seed, ve_str_n((const char *)address, 16));
    struct bucket *set = admit->buckets[hash % SETS];
    struct bucket *oldest = &set[0];
    for (size_t i = 0; i < WAYS; i++) {
        if (set[i].at && memcmp(set[i].address, address, 16) == 0)
            return &set[i];
        if (set[i].at < oldest->at)
            oldest = &set[i];
    }
    memcpy(oldest->address, address, 16);
    oldest->at = 0;
    return oldest;
}

static bool is_too_often(struct ve_admit *admit, struct ve_str client)
{
    uint8_t address[16];
    double limit = admit->rules.webhooks_per_second;
    if (limit == 0 || !ve_address_parse(client, address))
        return false;
    struct bucket *bucket = bucket_of(admit, address);
    uint64_t now = ve_loop_now(admit->config.loop) + 1; /* 0 means unused */
    double gained = bucket->at ? (double)(now - bucket->at) / 1e9 * limit : limit;
    bucket->tokens = bucket->at ? bucket->tokens + gained : limit;
    if (bucket->tokens > limit)
        bucket->tokens = limit;
    bucket->at = now;
    if (bucket->tokens < 1)
        return true;
    bucket->tokens -= 1;
    return false;
}

/* --- who -----------------------------------------------------------------------------------------
 */

/* Takes the part behind the last comma off the list. */
static struct ve_str last_of(struct ve_str *list)
{
    size_t at = list->len;
    while (at && list->ptr[at - 1] != ',')
        at--;
    struct ve_str last = ve_str_trim(ve_str_n(list->ptr + at, list->len - at));
    list->len = at ? at - 1 : 0;
    return last;
}

struct ve_str ve_admit_client(const struct ve_admit *admit, const struct ve_http_request *request)
{
    struct ve_str client = ve_http_peer(request);
    struct ve_str list = ve_http_header(request, "X-Forwarded-For");
    /* Several fields of that name could say several things: the proxy itself is meant then. */
    if (ve_http_header_count(request, "X-Forwarded-For") > 1)
        return client;
    while (list.len && ve_cidr_has(&admit->rules.proxies, client)) {
        struct ve_str before = last_of(&list);
        if (!ve_address_is_literal(before))
            break;
        client = before;
    }
    return client;
}

static bool turn_away(struct ve_admit *admit, struct ve_http_request *request, struct ve_str client,
                      int status, const char *code, const char *message)
{
    ve_metric_add(admit->turned_away, 1, (const char *[]){code});
    ve_log_event(admit->config.log, VE_LOG_WARN, "turned_away", ve_ftext("code", code),
                 ve_fstr("peer", client), ve_fstr("path", ve_http_path(request)));
    if (status == 403)
        ve_http_refuse(request, status, code, message);
    else
        ve_http_refuse_with(request, status, code, message,
                            (struct ve_http_field){"Retry-After", VE_STR("1")});
    return false;
}

static bool may_come(struct ve_admit *admit, struct ve_http_request *request,
                     const struct ve_cidr_list *list, struct ve_str client, const char *setting)
{
    if (!list->count || ve_cidr_has(list, client))
        return true;
    return turn_away(admit, request, client, 403, "address_not_allowed", setting);
}

bool ve_admit_media(void *arg, struct ve_http_request *request)
{
    struct ve_admit *admit = arg;
    return may_come(admit, request, &admit->rules.media, ve_admit_client(admit, request),
                    "this address is not in VE_MEDIA_ALLOW");
}

static bool admit_webhook(struct ve_admit *admit, struct ve_http_request *request)
{
    struct ve_str client = ve_admit_client(admit, request);
    if (!may_come(admit, request, &admit->rules.webhooks, client,
                  "this address is not in VE_WEBHOOK_ALLOW"))
        return false;
    if (is_too_often(admit, client))
        return turn_away(admit, request, client, 429, "too_many",
                         "more webhooks a second than VE_WEBHOOKS_PER_IP");
    if (is_overloaded(admit))
        return turn_away(admit, request, client, 503, "overloaded",
                         "running calls go first; send it again in a moment");
    return true;
}

bool ve_admit_http(void *arg, struct ve_http_request *request)
{
    struct ve_str path = ve_http_path(request);
    if (ve_str_starts(path, VE_STR("/api/v1/webhooks/")))
        return admit_webhook(arg, request);
    if (ve_str_starts(path, VE_STR("/api/v1/streaming/")))
        return ve_admit_media(arg, request);
    return true;
}

/* --- the whole
 * ------------------------------------------------------------------------------------ */

int ve_admit_new(struct ve_admit **out, const struct ve_admit_config *config,
                 const struct ve_admit_rules *rules)
{
    struct ve_admit *admit = ve_alloc(sizeof(*admit));
    if (!admit)
        return VE_ENOMEM;
    int err = ve_random_bytes(admit->seed, sizeof(admit->seed));
    if (err) {
        ve_free(admit);
        return err;
    }
    admit->config = *config;
    admit->rules = *rules;
    admit->turned_away =
        ve_metric_counter(config->metrics, "voiceengine_turned_away",
                          "Requests turned away at the door, by the code of the answer.", "code");
    ve_timer_init(&admit->look, config->loop, on_look, admit);
    admit->due = ve_loop_now(config->loop) + LAG_LOOK;
    ve_timer_start(&admit->look, LAG_LOOK);
    *out = admit;
    return 0;
}

void ve_admit_free(struct ve_admit *admit)
{
    if (!admit)
        return;
    ve_timer_stop(&admit->look);
    ve_free(admit);
}

void ve_admit_set_rules(struct ve_admit *admit, const struct ve_admit_rules *rules)
{
    admit->rules = *rules;
}
