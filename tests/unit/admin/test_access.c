#include "admin/access.h"

#include "alloc_fail.h"
#include "web_rig.h"

#define OPERATE "operate-token-1"
#define READ    "read-token-22"

struct rig {
    struct web web;
    struct ve_api_tokens tokens;
};

/* /role says which role the request has; /read and /operate need one. */
static void on_role(void *arg, struct ve_http_request *request, const struct ve_str *params)
{
    static const char *const names[] = {"none", "read", "operate"};
    struct rig *rig = arg;
    (void)params;
    enum ve_role role = ve_access_role(&rig->tokens, request);
    ve_http_respond(request, 200, "text/plain", ve_str(names[role]), NULL, 0);
}

static void need(struct rig *rig, struct ve_http_request *request, enum ve_role role)
{
    if (ve_access_check(&rig->tokens, request, role))
        ve_http_respond(request, 200, "text/plain", VE_STR("in"), NULL, 0);
}

static void on_read(void *arg, struct ve_http_request *request, const struct ve_str *params)
{
    (void)params;
    need(arg, request, VE_ROLE_READ);
}

static void on_operate(void *arg, struct ve_http_request *request, const struct ve_str *params)
{
    (void)params;
    need(arg, request, VE_ROLE_OPERATE);
}

static const struct ve_route routes[] = {
    {"GET", "/role", on_role, NULL},
    {"GET", "/read", on_read, NULL},
    {"GET", "/operate", on_operate, NULL},
};

static void rig_open(struct rig *rig, const char *operate, const char *read)
{
    memset(rig, 0, sizeof(*rig));
    ve_str_copy(rig->tokens.operate, sizeof(rig->tokens.operate), ve_str(operate));
    ve_str_copy(rig->tokens.read, sizeof(rig->tokens.read), ve_str(read));
    web_open(&rig->web);
    assert_int_equal(ve_router_add(rig->web.router, routes, 3, rig), 0);
    web_start(&rig->web);
}

static void rig_close(struct rig *rig)
{
    web_stop(&rig->web);
    web_close(&rig->web);
}

/* `fields` follow the request line. */
static void expect_role(struct rig *rig, const char *fields, const char *role)
{
    struct live_answer answer;
    char text[1024];
    (void)snprintf(text, sizeof(text), "GET /role HTTP/1.1\r\n%s\r\n", fields);
    assert_int_equal(web_ask(&rig->web, text, &answer), 200);
    if (strcmp(answer.body, role) != 0)
        fail_msg("%s: %s instead of %s", fields, answer.body, role);
}

static void without_tokens_loopback_may_do_everything(void **state)
{
    (void)state;
    static const char *const hosts[] = {"localhost",     "localhost:8000", "LocalHost",
                                        "127.0.0.1",     "127.0.0.1:8000", "127.1.2.3:1",
                                        "[::1]",         "[::1]:8000",     "[::ffff:127.0.0.1]:1",
                                        " 127.0.0.1:80 "};
    struct rig rig;
    rig_open(&rig, "", "");
    for (size_t i = 0; i < sizeof(hosts) / sizeof(hosts[0]); i++) {
        char fields[128];
        (void)snprintf(fields, sizeof(fields), "Host: %s\r\n", hosts[i]);
        expect_role(&rig, fields, "operate");
    }
    /* a token that is not asked for does no harm */
    expect_role(&rig, "Host: localhost\r\nAuthorization: Bearer x\r\n", "operate");
    rig_close(&rig);
}

/* A page in a browser reaches loopback under a name of its own. */
static void a_host_that_is_not_loopback_is_a_stranger(void **state)
{
    (void)state;
    static const char *const hosts[] = {
        "example.com",
        "127.example.com",
        "127.0.0.1.example.com:8000",
        "localhost.evil.de",
        "evil-localhost",
        "0.0.0.0",
        "192.0.2.1",
        "[::]",
        "[::1",
        "[::1].example.com",
        "[127.0.0.1",
        "::1",
        "",
    };
    struct rig rig;
    rig_open(&rig, "", "");
    for (size_t i = 0; i < sizeof(hosts) / sizeof(hosts[0]); i++) {
        char text[256];
        struct live_answer answer;
        (void)snprintf(text, sizeof(text), "GET /role HTTP/1.1\r\nHost: %s\r\n\r\n", hosts[i]);
        int status = web_ask(&rig.web, text, &answer);
        /* what is no Host at all may also be refused before */
        if (status != 400 && (status != 200 || strcmp(answer.body, "none") != 0))
            fail_msg("%s: %d %s", hosts[i], status, answer.body);
    }
    rig_close(&rig);
}

static void a_request_without_a_host_is_a_stranger(void **state)
{
    (void)state;
    struct rig rig;
    struct live_answer answer;
    rig_open(&rig, "", "");
    assert_int_equal(web_ask(&rig.web, "GET /role HTTP/1.0\r\n\r\n", &answer), 200);
    assert_string_equal(answer.body, "none");
    /* of two hosts, one might be believed here and the other one there */
    assert_int_equal(web_ask(&rig.web,
                             "GET /role HTTP/1.1\r\nHost: localhost\r\nHost: example.com\r\n\r\n",
                             &answer),
                     400);
    rig_close(&rig);
}

static void what_a_proxy_forwarded_is_a_stranger(void **state)
{
    (void)state;
    static const char *const fields[] = {
        "Forwarded: for=192.0.2.1",
        "X-Forwarded-For: 127.0.0.1",
        "x-forwarded-host: localhost",
        "X-Forwarded-Proto: https",
        "X-FORWARDED-PORT: 443",
        "X-Forwarded-Server: a",
        "X-Real-IP: 127.0.0.1",
        "Via: 1.1 proxy",
        "Forwarded:",
    };
    struct rig rig;
    rig_open(&rig, "", "");
    for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
        char text[256];
        (void)snprintf(text, sizeof(text), "Host: localhost\r\n%s\r\n", fields[i]);
        expect_role(&rig, text, "none");
    }
    expect_role(&rig, "Host: localhost\r\nX-Forwarded: x\r\nVia-Nothing: y\r\n", "operate");
    rig_close(&rig);
}

static void with_tokens_only_they_count(void **state)
{
    (void)state;
    static const struct {
        const char *fields, *role;
    } cases[] = {
        {"Host: localhost\r\n", "none"},
        {"Host: x\r\nAuthorization: Bearer " OPERATE "\r\n", "operate"},
        {"Host: x\r\nAuthorization: bearer   " OPERATE " \r\n", "operate"},
        {"Host: x\r\nX-Forwarded-For: 1\r\nAuthorization: Bearer " READ "\r\n", "read"},
        {"Host: localhost\r\nAuthorization: Bearer wrong\r\n", "none"},
        {"Host: localhost\r\nAuthorization: Bearer \r\n", "none"},
        {"Host: localhost\r\nAuthorization: Bearer\r\n", "none"},
        {"Host: localhost\r\nAuthorization: " OPERATE "\r\n", "none"},
        {"Host: localhost\r\nAuthorization: Basic " OPERATE "\r\n", "none"},
        {"Host: localhost\r\nAuthorization: Bearer " OPERATE "x\r\n", "none"},
        {"Host: localhost\r\nAuthorization: Bearer operate-token-\r\n", "none"},
        {"Host: localhost\r\nAuthorization: Bearer " OPERATE "\r\nAuthorization: Bearer " OPERATE
         "\r\n",
         "none"},
    };
    struct rig rig;
    rig_open(&rig, OPERATE, READ);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        expect_role(&rig, cases[i].fields, cases[i].role);
    rig_close(&rig);
}

/* One token alone closes loopback too, and the missing one equals nothing. */
static void one_token_is_enough_to_close(void **state)
{
    (void)state;
    struct rig rig;
    rig_open(&rig, "", READ);
    expect_role(&rig, "Host: localhost\r\n", "none");
    expect_role(&rig, "Host: localhost\r\nAuthorization: Bearer \r\n", "none");
    expect_role(&rig, "Host: localhost\r\nAuthorization: Bearer " READ "\r\n", "read");
    rig_close(&rig);
    rig_open(&rig, OPERATE, "");
    expect_role(&rig, "Host: localhost\r\n", "none");
    expect_role(&rig, "Host: localhost\r\nAuthorization: Bearer " OPERATE "\r\n", "operate");
    rig_close(&rig);
}

static void a_refusal_says_what_is_missing(void **state)
{
    (void)state;
    struct rig rig;
    struct live_answer answer;
    char value[256];
    rig_open(&rig, OPERATE, READ);
    web_expect_refusal(&rig.web, "GET /read HTTP/1.1\r\nHost: x\r\n\r\n", 401, "unauthorized");
    web_expect_refusal(&rig.web, "GET /operate HTTP/1.1\r\nHost: x\r\n\r\n", 401, "unauthorized");
    assert_int_equal(web_ask(&rig.web, "GET /read HTTP/1.1\r\nHost: x\r\n\r\n", &answer), 401);
    assert_string_equal(live_header(&answer, "WWW-Authenticate", value), "Bearer");
    assert_null(strstr(answer.body, OPERATE));
    web_expect_refusal(&rig.web,
                       "GET /operate HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer " READ "\r\n\r\n",
                       403, "read_only");
    assert_int_equal(
        web_ask(&rig.web, "GET /read HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer " READ "\r\n\r\n",
                &answer),
        200);
    assert_int_equal(web_ask(&rig.web,
                             "GET /operate HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer " OPERATE
                             "\r\n\r\n",
                             &answer),
                     200);
    rig_close(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_tokens_loopback_may_do_everything),
        cmocka_unit_test(a_host_that_is_not_loopback_is_a_stranger),
        cmocka_unit_test(a_request_without_a_host_is_a_stranger),
        cmocka_unit_test(what_a_proxy_forwarded_is_a_stranger),
        cmocka_unit_test(with_tokens_only_they_count),
        cmocka_unit_test(one_token_is_enough_to_close),
        cmocka_unit_test(a_refusal_says_what_is_missing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
