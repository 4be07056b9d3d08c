/* Where a request may lead: redirects, and the addresses that are allowed. */
#include "httpc_run.h"

/* Answers the requests of one connection, one after the other. */
struct answers {
    char text[5][512];
    unsigned count;
};

static struct answers first;  /* of run->server, which is asked */
static struct answers second; /* of run->other, where it may lead */

static void serve_answers(struct server *server)
{
    const struct answers *answers = server->arg;
    for (unsigned n = 0; n < answers->count;) {
        struct peer peer = peer_accept(server);
        bool open = peer.fd >= 0;
        while (open && n < answers->count && peer_request(server, &peer)) {
            (void)peer_say(&peer, answers->text[n]);
            open = !strstr(answers->text[n++], "Connection: close");
        }
        if (open)
            peer_drain(server, &peer);
        peer_free(&peer);
        if (atomic_load(&server->broken))
            return;
    }
}

static void add_answer(struct answers *answers, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

static void add_answer(struct answers *answers, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    (void)vsnprintf(answers->text[answers->count++], sizeof(answers->text[0]), fmt, args);
    va_end(args);
}

#define DONE_ANSWER "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ndone"

static const struct ve_httpc_field secrets[] = {
    {"Authorization", {"Bearer hush", 11}},
    {"xi-api-key", {"hush", 4}},
    {"Accept", {"audio/mpeg", 10}},
    {"Content-Type", {"text/plain", 10}},
    {"Cookie", {"a=hush", 6}},
};

/* The port of the first server is known before its answers are made. */
static void listen_first(struct run *run, struct reply *reply)
{
    first.count = 0;
    assert_true(server_listen(&run->server));
    reply_init(reply, run, "/start");
    reply->options.fields = secrets;
    reply->options.field_count = sizeof(secrets) / sizeof(secrets[0]);
    reply->options.max_redirects = 3;
}

static void run_first(struct run *run, struct reply *reply)
{
    assert_true(server_run(&run->server, serve_answers, &first));
    reply_run(reply);
    assert_int_equal(reply->done, 1);
    run_end(run);
}

static void start_other(struct run *run)
{
    second.count = 0;
    add_answer(&second, DONE_ANSWER);
    assert_true(server_start(&run->other, serve_answers, &second));
}

static void redirect(const char *status, const char *where, unsigned port, const char *path)
{
    add_answer(&first,
               "HTTP/1.1 %s\r\nLocation: %s:%u%s\r\nConnection: close\r\n"
               "Content-Length: 5\r\n\r\nnever",
               status, where, port, path);
}

static void test_secrets_stay_with_their_host(void **state)
{
    struct run *run = *state;
    static struct reply reply;
    start_other(run);
    listen_first(run, &reply);
    redirect("302 Found", "http://127.0.0.1", run->other.port, "/moved");
    reply_use_sink(&reply, SINK_TAKES);
    run_first(run, &reply);
    assert_true(server_stop(&run->other));
    assert_int_equal(reply.result.err, 0);
    assert_int_equal(reply.heads, 1);
    assert_int_equal(reply.ends, 1);
    assert_body(&reply, "done");
    reply_free(&reply);
    assert_non_null(strstr(run->server.seen, "\r\nAuthorization: Bearer hush\r\n"));
    assert_non_null(strstr(run->server.seen, "\r\nxi-api-key: hush\r\n"));
    assert_int_equal(strncmp(run->other.seen, "GET /moved HTTP/1.1\r\n", 21), 0);
    assert_null(strstr(run->other.seen, "hush"));
    assert_null(strcasestr(run->other.seen, "authorization"));
    assert_non_null(strstr(run->other.seen, "\r\nAccept: audio/mpeg\r\n"));
    assert_non_null(strstr(run->other.seen, "\r\nContent-Type: text/plain\r\n"));
}

/* Another name for the same machine and port is another origin, and there is no way back. */
static void test_secrets_do_not_come_back(void **state)
{
    struct run *run = *state;
    static struct reply reply;
    listen_first(run, &reply);
    redirect("307 Moved", "http://localhost", run->server.port, "/a");
    redirect("307 Moved", "http://127.0.0.1", run->server.port, "/b");
    add_answer(&first, DONE_ANSWER);
    run_first(run, &reply);
    assert_int_equal(reply.result.err, 0);
    assert_body(&reply, "done");
    reply_free(&reply);
    const char *astray = strstr(run->server.seen, "GET /a ");
    assert_non_null(astray);
    assert_non_null(strstr(astray, "GET /b "));
    assert_null(strstr(astray, "hush"));
}

static void test_same_host_keeps_everything(void **state)
{
    struct run *run = *state;
    static struct reply reply;
    listen_first(run, &reply);
    add_answer(&first,
               "HTTP/1.1 308 Moved\r\nLocation: /two?x=1#part\r\nContent-Length: 0\r\n\r\n");
    add_answer(&first, DONE_ANSWER);
    reply.options.body = VE_STR("question");
    run_first(run, &reply);
    assert_int_equal(reply.result.err, 0);
    assert_body(&reply, "done");
    reply_free(&reply);
    assert_int_equal(atomic_load(&run->server.accepts), 1);
    const char *again = strstr(run->server.seen, "POST /two?x=1 HTTP/1.1\r\n");
    assert_non_null(again);
    assert_non_null(strstr(again, "Authorization: Bearer hush"));
    assert_non_null(strstr(again, "\r\n\r\nquestion"));
}

struct change_case {
    const char *status;
    const char *method;
    const char *line; /* of the second request */
    bool body;        /* does it have one? */
};

static void test_method_after_a_redirect(void **state)
{
    static const struct change_case cases[] = {
        {"303 See", NULL, "GET /two", false},   {"302 Found", NULL, "GET /two", false},
        {"301 Moved", NULL, "GET /two", false}, {"307 Moved", NULL, "POST /two", true},
        {"302 Found", "PUT", "PUT /two", true}, {"303 See", "PUT", "GET /two", false},
    };
    struct run *run = *state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        for (int multipart = 0; multipart < 2; multipart++) {
            static struct reply reply;
            const struct ve_httpc_part part = {"file", NULL, NULL, {"question", 8}};
            listen_first(run, &reply);
            add_answer(&first, "HTTP/1.1 %s\r\nLocation: two\r\nContent-Length: 0\r\n\r\n",
                       cases[i].status);
            add_answer(&first, DONE_ANSWER);
            reply.options.method = cases[i].method;
            reply.options.parts = &part;
            reply.options.part_count = (size_t)multipart;
            reply.options.body = multipart ? VE_STR("") : VE_STR("question");
            run_first(run, &reply);
            assert_int_equal(reply.result.err, 0);
            reply_free(&reply);
            const char *again = strstr(run->server.seen, cases[i].line);
            assert_non_null(again);
            assert_true(!strstr(again, "question") == !cases[i].body);
        }
    }
}

/* What allow_origin was asked about, and what it refuses. */
struct origins {
    struct reply reply; /* the argument of all the callbacks: first */
    char asked[3][64];
    unsigned count;
    char refused[64];
};

static bool note_origin(void *arg, const char *origin)
{
    struct origins *origins = arg;
    if (origins->count < 3)
        (void)ve_str_copy(origins->asked[origins->count++], 64, ve_str(origin));
    return strcmp(origin, origins->refused) != 0;
}

static void test_origins_are_asked_about(void **state)
{
    struct run *run = *state;
    static struct origins origins;
    char here[64];
    char there[64];
    for (int refuse = 0; refuse < 2; refuse++) {
        memset(&origins, 0, sizeof(origins));
        assert_true(server_listen(&run->other));
        listen_first(run, &origins.reply);
        (void)snprintf(here, sizeof(here), "http://127.0.0.1:%u", run->server.port);
        (void)snprintf(there, sizeof(there), "http://127.0.0.1:%u", run->other.port);
        origins.reply.options.allow_origin = note_origin;
        redirect("302 Found", "http://127.0.0.1", refuse ? run->other.port : run->server.port,
                 "/x");
        add_answer(&first, DONE_ANSWER);
        first.count = refuse ? 1 : 2;
        (void)ve_str_copy(origins.refused, sizeof(origins.refused), ve_str(there));
        run_first(run, &origins.reply);
        reply_free(&origins.reply);
        assert_true(server_unused(&run->other));
        assert_int_equal(origins.reply.result.err, refuse ? VE_EAUTH : 0);
        assert_int_equal(origins.count, 2);
        assert_string_equal(origins.asked[0], here);
        assert_string_equal(origins.asked[1], refuse ? there : here);
    }
    assert_string_equal(origins.reply.why, "the redirect leads to a host that is not allowed");
    /* Refused at once: nothing is called. */
    (void)ve_str_copy(origins.refused, sizeof(origins.refused), ve_str(here));
    assert_int_equal(reply_try(&origins.reply), VE_EAUTH);
}

static void test_redirects_are_counted(void **state)
{
    struct run *run = *state;
    for (unsigned limit = 0; limit < 4; limit++) {
        static struct reply reply;
        listen_first(run, &reply);
        for (unsigned i = 0; i <= limit; i++)
            redirect("302 Found", "http://127.0.0.1", run->server.port, "/again");
        reply.options.max_redirects = limit;
        run_first(run, &reply);
        assert_int_equal(reply.result.err, limit ? VE_EPROTO : 0);
        assert_int_equal(reply.result.status, 302);
        assert_string_equal(reply.why, limit ? "too many redirects" : "");
        assert_int_equal(reply.heads, limit ? 0 : 1);
        assert_int_equal(atomic_load(&run->server.accepts), (int)limit + 1);
        reply_free(&reply);
    }
}

static void test_bad_places(void **state)
{
    static const char *const places[] = {"file:///etc/passwd", "ftp://127.0.0.1/",
                                         "http://u:p@127.0.0.1/", "http://",
                                         "gopher://127.0.0.1:1/"};
    struct run *run = *state;
    for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
        static struct reply reply;
        listen_first(run, &reply);
        add_answer(&first, "HTTP/1.1 302 Found\r\nLocation: %s\r\nContent-Length: 0\r\n\r\n",
                   places[i]);
        run_first(run, &reply);
        assert_int_equal(reply.result.err, VE_EPROTO);
        assert_string_equal(reply.why, "the redirect leads nowhere");
        reply_free(&reply);
    }
}

/* --- addresses --- */

static void test_refused_address_is_not_connected(void **state)
{
    struct run *run = *state;
    static struct reply reply;
    static const char *const hosts[] = {"127.0.0.1", "localhost", "0x7f.1", "2130706433",
                                        "[::ffff:127.0.0.1]"};
    for (size_t i = 0; i < sizeof(hosts) / sizeof(hosts[0]); i++) {
        listen_first(run, &reply);
        (void)snprintf(reply.url, sizeof(reply.url), "http://%s:%u/", hosts[i], run->server.port);
        reply.options.url = ve_str(reply.url);
        reply.options.allow_address = reply_allow;
        reply.deny = true;
        reply_run(&reply);
        assert_int_equal(reply.result.err, VE_EAUTH);
        assert_string_equal(reply.why, "the host's address is not allowed");
        assert_true(reply.asked > 0);
        assert_true(strcmp(reply.asked_ip, "127.0.0.1") == 0 || strcmp(reply.asked_ip, "::1") == 0);
        reply_free(&reply);
        assert_true(server_unused(&run->server));
    }
}

static bool allow_first_only(void *arg, const char *host, const char *ip)
{
    struct reply *reply = arg;
    (void)ip;
    reply->asked++;
    return strcmp(host, "127.0.0.1") == 0;
}

static void test_refused_address_behind_a_redirect(void **state)
{
    struct run *run = *state;
    static struct reply reply;
    assert_true(server_listen(&run->other));
    listen_first(run, &reply);
    redirect("307 Moved", "http://localhost", run->other.port, "/internal");
    reply.options.allow_address = allow_first_only;
    run_first(run, &reply);
    assert_int_equal(reply.result.err, VE_EAUTH);
    assert_true(reply.asked >= 2);
    reply_free(&reply);
    assert_true(server_unused(&run->other));
}

/* A connection of the pool may have been opened under other rules. */
static void test_refused_address_of_a_pooled_connection(void **state)
{
    struct run *run = *state;
    static struct reply reply;
    static struct reply denied;
    listen_first(run, &reply);
    add_answer(&first, DONE_ANSWER);
    assert_true(server_run(&run->server, serve_answers, &first));
    reply_run(&reply);
    assert_int_equal(reply.result.err, 0);
    reply_free(&reply);
    reply_init(&denied, run, "/internal");
    denied.options.allow_address = reply_allow;
    denied.deny = true;
    reply_run(&denied);
    assert_int_equal(denied.result.err, VE_EAUTH);
    assert_string_equal(denied.asked_ip, "127.0.0.1");
    assert_string_equal(denied.asked_host, "127.0.0.1");
    reply_free(&denied);
    assert_true(server_stop(&run->server));
    assert_int_equal(atomic_load(&run->server.accepts), 1);
    assert_null(strstr(run->server.seen, "/internal"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_secrets_stay_with_their_host, run_setup, run_teardown),
        cmocka_unit_test_setup_teardown(test_secrets_do_not_come_back, run_setup, run_teardown),
        cmocka_unit_test_setup_teardown(test_same_host_keeps_everything, run_setup, run_teardown),
        cmocka_unit_test_setup_teardown(test_method_after_a_redirect, run_setup, run_teardown),
        cmocka_unit_test_setup_teardown(test_origins_are_asked_about, run_setup, run_teardown),
        cmocka_unit_test_setup_teardown(test_redirects_are_counted, run_setup, run_teardown),
        cmocka_unit_test_setup_teardown(test_bad_places, run_setup, run_teardown),
        cmocka_unit_test_setup_teardown(test_refused_address_is_not_connected, run_setup,
                                        run_teardown),
        cmocka_unit_test_setup_teardown(test_refused_address_behind_a_redirect, run_setup,
                                        run_teardown),
        cmocka_unit_test_setup_teardown(test_refused_address_of_a_pooled_connection, run_setup,
                                        run_teardown),
    };
    if (ve_httpc_process_init() != 0)
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
