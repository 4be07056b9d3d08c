#include "door/auth.h"

#include "web_rig.h"

#define TOKEN "a-stream+token"

struct rig {
    struct web web;
    struct ve_secrets secrets;
};
static void on_stream(void *arg, struct ve_http_request *request, const struct ve_str *params)
{
    struct rig *rig = arg;
    (void)params;
    bool in = ve_auth_stream(&rig->secrets, request);
    ve_http_respond(request, 200, "text/plain", in ? VE_STR("in") : VE_STR("out"), NULL, 0);
}
static const struct ve_route routes[] = {
    {"GET", "/stream", on_stream, NULL},
};

static void rig_open(struct rig *rig)
{
    memset(rig, 0, sizeof(*rig));
    ve_str_copy(rig->secrets.stream_token, VE_SECRET_MAX, VE_STR(TOKEN));
    web_open(&rig->web);
    assert_int_equal(ve_router_add(rig->web.router, routes, 1, rig), 0);
    web_start(&rig->web);
}

static void rig_close(struct rig *rig)
{
    web_stop(&rig->web);
    web_close(&rig->web);
}
static void expect_stream(struct rig *rig, const char *query, const char *fields, const char *word)
{
    char text[2048];
    struct live_answer answer;
    (void)snprintf(text, sizeof(text), "GET /stream%s HTTP/1.1\r\nHost: x\r\n%s\r\n", query,
                   fields);
    assert_int_equal(web_ask(&rig->web, text, &answer), 200);
    if (strcmp(answer.body, word) != 0)
        fail_msg("%s %s: %s instead of %s", query, fields, answer.body, word);
}

static void a_stream_needs_its_token(void **state)
{
    (void)state;
    static const struct {
        const char *query, *fields, *word;
    } cases[] = {
        {"", "Authorization: Bearer " TOKEN "\r\n", "in"},
        {"", "authorization:BEARER  " TOKEN " \r\n", "in"},
        {"?token=a-stream%2Btoken", "", "in"},
        {"?x=1&token=a-stream%2Btoken&y", "", "in"},
        {"", "", "out"},
        {"?token=", "", "out"},
        {"?token", "", "out"},
        {"?token=wrong", "", "out"},
        {"?Token=a-stream%2Btoken", "", "out"},
        {"?token=a-stream+token", "", "out"}, /* a '+' in a query is a blank */
        {"?token=a-stream%2Btoken%", "", "out"},
        {"?token=a-stream%2Btoken%00", "", "out"},
        {"?token=a-stream%2Btoke", "", "out"},
        {"", "Authorization: Bearer\r\n", "out"},
        {"", "Authorization: Bearer \r\n", "out"},
        {"", "Authorization: Basic " TOKEN "\r\n", "out"},
        {"", "Authorization: " TOKEN "\r\n", "out"},
        {"", "Authorization: Bearer" TOKEN "\r\n", "out"},
        {"", "Authorization: Bearer x" TOKEN "\r\n", "out"},
        /* a wrong field is not mended by the query */
        {"?token=a-stream%2Btoken", "Authorization: Bearer x\r\n", "out"},
        {"?token=a-stream%2Btoken", "Authorization: Basic x\r\n", "out"},
        {"", "Authorization: Bearer " TOKEN "\r\nAuthorization: Bearer " TOKEN "\r\n", "out"},
    };
    struct rig rig;
    rig_open(&rig);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        expect_stream(&rig, cases[i].query, cases[i].fields, cases[i].word);
    rig_close(&rig);
}

static void an_endless_token_is_wrong(void **state)
{
    (void)state;
    struct rig rig;
    char query[1024] = "?token=";
    rig_open(&rig);
    memset(query + 7, 'x', sizeof(query) - 8);
    query[sizeof(query) - 1] = '\0';
    expect_stream(&rig, query, "", "out");
    rig_close(&rig);
}

static void no_token_lets_nobody_in(void **state)
{
    (void)state;
    struct rig rig;
    rig_open(&rig);
    rig.secrets.stream_token[0] = '\0';
    expect_stream(&rig, "?token=", "", "out");
    expect_stream(&rig, "", "Authorization: Bearer \r\n", "out");
    expect_stream(&rig, "", "", "out");
    rig_close(&rig);
}
int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_stream_needs_its_token),
        cmocka_unit_test(an_endless_token_is_wrong),
        cmocka_unit_test(no_token_lets_nobody_in),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
