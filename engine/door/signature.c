#include "door/signature.h"

#include "base/err.h"
#include "base/json.h"
#include "crypto/base64.h"
#include "crypto/equal.h"
#include "crypto/hex.h"
#include "crypto/hmac.h"
#include "crypto/jwt.h"

#include <string.h>

#define FUTURE_MS     (300 * 1000)
#define MAX_AGE_S     345600u
#define KEYS          8
#define BASE64_MAX    (VE_SECRET_MAX / 3 * 4 + 8)
#define CLAIMS_MAX    (1024 * 1024)
#define V3_HEADER     "X-Ringover-Webhook-Signature-V3"
#define V3_TIMESTAMP  "X-Ringover-Request-Signature-V3-Timestamp"
#define HMAC_HEADER   "X-Ringover-Signature"
#define TOKEN_HEADER  "X-Ringover-Webhook-Signature"
#define BEARER_HEADER "Authorization"

/* --- keys ------------------------------------------------------------------------------------- */

struct key {
    const char *name; /* of the setting */
    const char *value;
    unsigned sections; /* that it lets in */
};

static bool has_own(const char *now, const char *previous)
{
    return now[0] || previous[0];
}

/* The sections that the main key speaks for: those without a key of their own. */
static unsigned main_sections(const struct ve_secrets *s)
{
    unsigned sections = VE_SECTIONS_ALL;
    if (has_own(s->contact, s->contact_previous))
        sections &= ~(unsigned)VE_SECTION_CONTACT;
    if (has_own(s->search, s->search_previous))
        sections &= ~(unsigned)VE_SECTION_SEARCH;
    if (has_own(s->routing, s->routing_previous))
        sections &= ~(unsigned)(VE_SECTION_ROUTING | VE_SECTION_IVR_CODE);
    return sections;
}

static void list_keys(struct key keys[static KEYS], const struct ve_secrets *s)
{
    const unsigned routing = VE_SECTION_ROUTING | VE_SECTION_IVR_CODE;
    const struct key all[KEYS] = {
        {"RINGOVER_WEBHOOK_SECRET", s->webhook, main_sections(s)},
        {"RINGOVER_WEBHOOK_SECRET_PREVIOUS", s->webhook_previous, main_sections(s)},
        {"RINGOVER_WEBHOOK_SECRET_CONTACT", s->contact, VE_SECTION_CONTACT},
        {"RINGOVER_WEBHOOK_SECRET_CONTACT_PREVIOUS", s->contact_previous, VE_SECTION_CONTACT},
        {"RINGOVER_WEBHOOK_SECRET_SEARCH", s->search, VE_SECTION_SEARCH},
        {"RINGOVER_WEBHOOK_SECRET_SEARCH_PREVIOUS", s->search_previous, VE_SECTION_SEARCH},
        {"RINGOVER_WEBHOOK_SECRET_ROUTING", s->routing, routing},
        {"RINGOVER_WEBHOOK_SECRET_ROUTING_PREVIOUS", s->routing_previous, routing},
    };
    memcpy(keys, all, sizeof(all));
}

/* --- the check -------------------------------------------------------------------------------- */

struct check {
    struct ve_signature *out;
    const struct ve_signature_policy *policy;
    const struct ve_signed_request *request;
    struct key keys[KEYS];
    struct ve_str token; /* of the first header that held a JWT */
};

/* What one header proves. */
struct proof {
    unsigned sections;
    const char *form;
    const char *key;
    const char *problem;
};

/* Counts the fields of that name and gives the first one's value. */
static unsigned find_header(const struct ve_signed_request *request, const char *wanted,
                            struct ve_str *found)
{
    struct ve_str name;
    struct ve_str value;
    unsigned count = 0;
    for (unsigned i = 0; request->header(request->arg, i, &name, &value); i++) {
        if (!ve_str_ieq(name, ve_str(wanted)))
            continue;
        if (count++ == 0)
            *found = ve_str_trim(value);
    }
    return count;
}

/* Every key is tried, also behind one that fits: the time tells nothing. */
static void take_key(struct proof *proof, const struct key *key, bool fits, const char *form)
{
    if (!fits)
        return;
    proof->sections |= key->sections;
    if (!proof->key) {
        proof->key = key->name;
        proof->form = form;
    }
}

static void prove_hmac(struct check *c, struct ve_str value, struct proof *proof)
{
    uint8_t given[VE_HMAC_SHA256_BYTES];
    uint8_t mac[VE_HMAC_SHA256_BYTES];
    proof->form = "hmac";
    if (ve_str_starts(value, VE_STR("sha256=")))
        value = ve_str_n(value.ptr + 7, value.len - 7);
    for (size_t i = 0; i < value.len; i++) {
        if (value.ptr[i] >= 'A' && value.ptr[i] <= 'F') {
            proof->problem = "the signature must be lower-case hex";
            return;
        }
    }
    if (ve_hex_decode(given, sizeof(given), value) != 0) {
        proof->problem = "the signature must be 64 hex digits, with or without \"sha256=\"";
        return;
    }
    for (size_t i = 0; i < KEYS; i++) {
        const struct key *key = &c->keys[i];
        bool made =
            key->value[0] && ve_hmac_sha256(mac, ve_str(key->value), &c->request->body, 1) == 0;
        take_key(proof, key,
                 made && ve_secret_equal(ve_str_n((const char *)given, sizeof(given)),
                                         ve_str_n((const char *)mac, sizeof(mac))),
                 "hmac");
    }
    ve_secret_wipe(mac, sizeof(mac));
    if (!proof->key)
        proof->problem = "the signature does not match the body with any configured secret";
}

/* The key itself, or its base64. */
static void prove_key(struct check *c, struct ve_str value, struct proof *proof)
{
    char encoded[BASE64_MAX];
    for (size_t i = 0; i < KEYS; i++) {
        const struct key *key = &c->keys[i];
        size_t len = ve_base64_encode(encoded, key->value, strlen(key->value), VE_BASE64_STD);
        take_key(proof, key, ve_secret_equal(value, ve_str(key->value)), "key");
        take_key(proof, key, ve_secret_equal(value, ve_str_n(encoded, len)), "base64");
    }
    ve_secret_wipe(encoded, sizeof(encoded));
}

/* --- tokens ----------------------------------------------------------------------------------- */

static bool looks_like_token(struct ve_str value)
{
    unsigned dots = 0;
    for (size_t i = 0; i < value.len; i++)
        dots += value.ptr[i] == '.';
    return dots == 2;
}

/* "https://Host:443/path?query" -> the host, and the path without its query. */
static struct ve_str split_url(struct ve_str url, struct ve_str *path)
{
    for (size_t i = 0; i + 2 < url.len; i++) {
        if (memcmp(url.ptr + i, "://", 3) == 0) {
            url = ve_str_n(url.ptr + i + 3, url.len - i - 3);
            break;
        }
    }
    size_t end = 0;
    while (end < url.len && url.ptr[end] != '?' && url.ptr[end] != '#')
        end++;
    url.len = end;
    size_t slash = ve_str_find(url, '/');
    struct ve_str host = ve_str_n(url.ptr, slash == SIZE_MAX ? url.len : slash);
    *path = ve_str_n(url.ptr + host.len, url.len - host.len);
    if (ve_str_ends(host, VE_STR(":443")))
        host.len -= 4;
    else if (ve_str_ends(host, VE_STR(":80")))
        host.len -= 3;
    return host;
}

/* The public URL may hold the path already: what is left before it. */
static struct ve_str base_of(struct ve_str path)
{
    const struct ve_str event = VE_STR(VE_WEBHOOK_PATH);
    while (ve_str_ends(path, VE_STR("/")))
        path.len--;
    if (ve_str_ends(path, event))
        path.len -= event.len;
    return path;
}

/* Is `claimed` the address that the webhook was configured with: our public URL and this path? */
static bool is_our_url(const struct check *c, struct ve_str claimed)
{
    struct ve_str base_path;
    struct ve_str path;
    struct ve_str base_host = split_url(c->policy->url, &base_path);
    struct ve_str host = split_url(claimed, &path);
    base_path = base_of(base_path);
    return ve_str_ieq(host, base_host) && ve_str_starts(path, base_path) &&
           ve_str_eq(ve_str_n(path.ptr + base_path.len, path.len - base_path.len),
                     c->request->path);
}

/* The claims are the event, or hold it as `payload`. NULL: it is taken. */
static const char *take_claims(struct check *c, struct ve_str claims)
{
    char why[96];
    struct ve_json *json;
    const char *problem = NULL;
    if (ve_json_parse(&json, claims, why) != 0)
        return "the token holds no JSON";
    const struct ve_json *url = ve_json_get(json, "url");
    const struct ve_json *payload = ve_json_get(json, "payload");
    struct ve_str event = claims;
    if (payload)
        event = ve_json_member(claims, "payload");
    if (url && ve_json_type(url) != VE_JSON_STRING)
        problem = "the token's url is no text";
    else if (url && c->policy->url.len && !is_our_url(c, ve_json_str(url)))
        problem = "the token was made for another address than RINGOVER_WEBHOOK_URL and this path";
    else if (payload && (ve_json_type(payload) != VE_JSON_OBJECT || !event.len))
        problem = "the token's payload is no object";
    else if (!payload && !ve_json_get(json, "event"))
        problem = "the token holds no event";
    else if (ve_buf_add_str(&c->out->token, event) != 0)
        problem = "not enough memory";
    ve_json_free(json);
    return problem;
}

static void prove_token(struct check *c, struct ve_str value, struct proof *proof)
{
    struct ve_buf claims;
    struct ve_buf again;
    proof->form = "jwt";
    ve_buf_init(&claims, CLAIMS_MAX);
    ve_buf_init(&again, CLAIMS_MAX);
    for (size_t i = 0; i < KEYS; i++) {
        struct ve_str key = ve_str(c->keys[i].value);
        struct ve_buf *into = proof->key ? &again : &claims;
        ve_buf_clear(into);
        take_key(proof, &c->keys[i], ve_jwt_hs512(into, value, key) == 0, "jwt");
    }
    if (!proof->key)
        proof->problem = "the token is not signed (HS512) with any configured secret";
    else if (c->token.len && !ve_str_eq(c->token, value))
        proof->problem = "two different tokens";
    else if (!c->token.len)
        proof->problem = take_claims(c, ve_buf_str(&claims));
    c->token = value;
    c->out->in_token = true;
    ve_buf_free(&claims);
    ve_buf_free(&again);
}

static void prove_token_or_key(struct check *c, struct ve_str value, struct proof *proof)
{
    proof->form = "key";
    prove_key(c, value, proof);
    if (proof->key)
        return;
    if (looks_like_token(value))
        prove_token(c, value, proof);
    else
        proof->problem = "it is neither a token nor a configured secret, bare or in base64";
}

static void prove_bearer(struct check *c, struct ve_str value, struct proof *proof)
{
    if (value.len >= 7 && ve_str_ieq(ve_str_n(value.ptr, 7), VE_STR("Bearer ")))
        value = ve_str_trim(ve_str_n(value.ptr + 7, value.len - 7));
    prove_token_or_key(c, value, proof);
}

/* --- the third version ------------------------------------------------------------------------ */

static const char *check_v3_time(struct check *c, struct ve_str *timestamp)
{
    uint64_t seconds;
    if (find_header(c->request, V3_TIMESTAMP, timestamp) != 1)
        return "it needs " V3_TIMESTAMP ", once";
    if (ve_str_u64(&seconds, *timestamp, INT64_MAX / 1000) != 0)
        return "its timestamp is no number of seconds";
    if (!seconds || !ve_signature_fresh(c->policy, (int64_t)seconds * 1000))
        return "its timestamp is too old, or in the future";
    return NULL;
}

/* The URL as the dashboard has it: the public one with this path. */
static int v3_url(struct check *c, struct ve_buf *url)
{
    int err = ve_buf_add_str(url, base_of(c->policy->url));
    return err ? err : ve_buf_add_str(url, c->request->path);
}

/* Four pieces, as the formula has them: a method and a URL never change places with a body. */
static bool v3_fits(struct check *c, struct ve_str key, struct ve_str url, struct ve_str timestamp,
                    struct ve_str value)
{
    uint8_t mac[VE_HMAC_SHA256_BYTES];
    char encoded[64];
    const struct ve_str pieces[] = {c->request->method, url, c->request->body, timestamp};
    if (!key.len || ve_hmac_sha256(mac, key, pieces, 4) != 0)
        return false;
    size_t len = ve_base64_encode(encoded, mac, sizeof(mac), VE_BASE64_STD);
    bool equal = ve_secret_equal(value, ve_str_n(encoded, len));
    ve_secret_wipe(encoded, sizeof(encoded));
    return equal;
}

static void prove_v3(struct check *c, struct ve_str value, struct proof *proof)
{
    struct ve_buf url;
    struct ve_str timestamp = {NULL, 0};
    proof->form = "v3";
    proof->problem = c->policy->url.len ? check_v3_time(c, &timestamp)
                                        : "it cannot be checked without RINGOVER_WEBHOOK_URL";
    if (proof->problem)
        return;
    ve_buf_init(&url, 0);
    if (v3_url(c, &url) == 0) {
        for (size_t i = 0; i < KEYS; i++)
            take_key(proof, &c->keys[i],
                     v3_fits(c, ve_str(c->keys[i].value), ve_buf_str(&url), timestamp, value),
                     "v3");
    }
    ve_buf_free(&url);
    if (!proof->key)
        proof->problem = "the signature does not match with any configured secret";
}

/* --- the whole -------------------------------------------------------------------------------- */

static void look_at(struct check *c, const char *header,
                    void (*prove)(struct check *c, struct ve_str value, struct proof *proof))
{
    struct ve_str value = {NULL, 0};
    struct proof proof = {0, NULL, NULL, NULL};
    struct ve_signature *out = c->out;
    unsigned count = find_header(c->request, header, &value);
    if (count == 0)
        return;
    if (count > 1)
        proof.problem = "the header is there twice";
    else
        prove(c, value, &proof);
    out->sections = out->count ? out->sections & proof.sections : proof.sections;
    out->steps[out->count++] = (struct ve_signature_step){
        header, proof.form ? proof.form : "", proof.problem ? NULL : proof.key, proof.problem};
}

void ve_signature_check(struct ve_signature *out, const struct ve_signature_policy *policy,
                        const struct ve_signed_request *request)
{
    struct check c = {.out = out, .policy = policy, .request = request};
    memset(out, 0, sizeof(*out));
    ve_buf_init(&out->token, CLAIMS_MAX);
    list_keys(c.keys, policy->secrets);
    look_at(&c, HMAC_HEADER, prove_hmac);
    look_at(&c, TOKEN_HEADER, prove_token_or_key);
    look_at(&c, BEARER_HEADER, prove_bearer);
    if (policy->v3)
        look_at(&c, V3_HEADER, prove_v3);
    out->verdict = out->count ? VE_VERDICT_VALID : VE_VERDICT_MISSING;
    for (unsigned i = 0; i < out->count; i++) {
        if (out->steps[i].problem)
            out->verdict = VE_VERDICT_BAD;
    }
    if (out->verdict != VE_VERDICT_VALID)
        out->sections = 0;
}

void ve_signature_free(struct ve_signature *signature)
{
    ve_buf_free(&signature->token);
}

struct ve_str ve_signature_event(const struct ve_signature *signature, struct ve_str body)
{
    return signature->in_token ? ve_buf_str(&signature->token) : body;
}

const char *ve_signature_problem(const struct ve_signature *signature)
{
    if (signature->count == 0)
        return "there is no signature: X-Ringover-Signature, X-Ringover-Webhook-Signature or "
               "Authorization";
    for (unsigned i = 0; i < signature->count; i++) {
        if (signature->steps[i].problem)
            return signature->steps[i].problem;
    }
    return "";
}

bool ve_signature_path(const struct ve_secrets *secrets, struct ve_str segment)
{
    bool now = ve_secret_equal(segment, ve_str(secrets->path));
    bool before = ve_secret_equal(segment, ve_str(secrets->path_previous));
    return now || before;
}

bool ve_signature_fresh(const struct ve_signature_policy *policy, int64_t at_ms)
{
    int64_t age = policy->max_age_s ? policy->max_age_s : MAX_AGE_S;
    return at_ms == 0 ||
           (at_ms <= policy->now_ms + FUTURE_MS && at_ms >= policy->now_ms - age * 1000);
}
