/* What a server may send, what it may not, and the codes that end it. */
#include "wsc_run.h"

struct pieces {
    const char *frames; /* raw bytes to send after the upgrade */
    size_t len;
    const char *text; /* all messages together */
    unsigned messages;
    int code; /* of the close frame that we send */
};

#define PIECES(raw, text, messages, code)                                                          \
    {                                                                                              \
        raw, sizeof(raw) - 1, text, messages, code                                                 \
    }

/* The frames, then it waits for our close frame, notes it and answers. */
static void serve_raw(struct server *server)
{
    static struct ws_frame frame;
    const struct pieces *pieces = server->arg;
    struct peer peer = ws_accept(server);
    server->seen_len = 0;
    (void)peer_send(&peer, pieces->frames, pieces->len);
    while (ws_read(server, &peer, &frame)) {
        if (frame.opcode != 8)
            continue;
        server->seen_len = frame.len;
        memcpy(server->seen, frame.payload, frame.len);
        (void)ws_send(&peer, 0x88, frame.payload, frame.len);
        break;
    }
    peer_drain(server, &peer);
    peer_free(&peer);
}

static void close_on_end(struct user *user)
{
    if (user->len && user->bytes[user->len - 1] == '.')
        user_close(user, VE_CLOSE_NORMAL);
}

static int sent_code(const struct run *run)
{
    return run->server.seen_len < 2
               ? 0
               : (unsigned char)run->server.seen[0] << 8 | (unsigned char)run->server.seen[1];
}

static void test_fragments_and_control_frames(void **state)
{
    static const struct pieces cases[] = {
        PIECES("\x81\x03one\x82\x02.\0\x81\x01.", "one.", 3, 1000),
        PIECES("\x01\x01"
               "a\x00\x01"
               "b\x80\x01.",
               "ab.", 1, 1000),
        /* a ping and a pong inside of a message, an empty frame in its middle and at its ends */
        PIECES("\x01\x00\x00\x01"
               "a\x89\x02hi\x00\x00\x8a\x00\x00\x01.\x80\x00",
               "a.", 1, 1000),
        /* a character in two frames */
        PIECES("\x01\x01\xc3\x00\x01\xa9\x80\x01.", "\xc3\xa9.", 1, 1000),
        PIECES("\x81\x00\x82\x00\x81\x01.", ".", 3, 1000),
    };
    struct run *run = *state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        static struct user user;
        run_begin(run, &user, serve_raw, &cases[i]);
        user.on_message = close_on_end;
        user_run(&user);
        assert_int_equal(user.messages, cases[i].messages);
        assert_string_equal(user.bytes, cases[i].text);
        assert_false(user.inside);
        assert_int_equal(user.code, VE_CLOSE_NORMAL);
        run_end(run, &user);
        assert_int_equal(sent_code(run), cases[i].code);
    }
}

/* What breaks a rule ends the connection; where the library leaves it to us, with a code. */
static void test_broken_frames(void **state)
{
    static const struct pieces cases[] = {
        PIECES("\x81\x02\xc3\x28", "", 0, 1007),        /* not UTF-8 */
        PIECES("\x81\x01\xc3", "", 0, 1007),            /* half a character */
        PIECES("\x81\x03\xed\xa0\x80", "", 0, 1007),    /* a surrogate */
        PIECES("\x83\x00", "", 0, 0),                   /* an opcode that is none */
        PIECES("\xc1\x01x", "", 0, 0),                  /* a reserved bit */
        PIECES("\x80\x01x", "", 0, 0),                  /* a continuation of nothing */
        PIECES("\x01\x01x\x81\x01x", "x", 0, 0),        /* a message inside of a message */
        PIECES("\x09\x00", "", 0, 0),                   /* a ping in fragments */
        PIECES("\x89\x7e\x00\x7e", "", 0, 0),           /* a ping of 126 bytes */
        PIECES("\x82\x7f\xff\0\0\0\0\0\0\0", "", 0, 0), /* a negative length */
    };
    struct run *run = *state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        static struct user user;
        run_begin(run, &user, serve_raw, &cases[i]);
        user_run(&user);
        assert_int_equal(user.messages, 0);
        assert_int_equal(user.closed, 1);
        assert_int_equal(user.code, VE_CLOSE_ABNORMAL);
        run_end(run, &user);
        assert_int_equal(sent_code(run), cases[i].code);
    }
}

/* One message over the limit in one frame, in two, or in a frame that will never be complete. */
static void serve_too_much(struct server *server)
{
    static struct ws_frame frame;
    static char block[70000];
    unsigned way = *(unsigned *)server->arg;
    struct peer peer = ws_accept(server);
    if (way == 0)
        (void)ws_send(&peer, 0x82, block, 65537);
    if (way == 1)
        (void)(ws_send(&peer, 0x02, block, 40000) && ws_send(&peer, 0x80, block, 25537));
    if (way == 2)
        (void)(ws_send_head(&peer, 0x82, UINT64_C(1) << 62) && peer_send(&peer, block, 5000));
    if (way == 3)
        (void)ws_send(&peer, 0x82, block, 65536); /* just at the limit */
    while (ws_read(server, &peer, &frame) && frame.opcode != 8)
        continue;
    server->seen_len = frame.len;
    memcpy(server->seen, frame.payload, frame.len);
    peer_free(&peer);
}

static void test_message_over_the_limit(void **state)
{
    struct run *run = *state;
    for (unsigned way = 0; way < 4; way++) {
        static struct user user;
        run_begin(run, &user, serve_too_much, &way);
        user.options.max_message = 65536;
        user.on_message = user_close_normally;
        user_run(&user);
        assert_int_equal(user.messages, way == 3);
        assert_true(user.len <= 65536);
        assert_int_equal(user.code, VE_CLOSE_ABNORMAL);
        run_end(run, &user);
        assert_int_equal(sent_code(run), way == 3 ? VE_CLOSE_NORMAL : VE_CLOSE_TOO_BIG);
    }
}

static void close_as_wanted(struct user *user)
{
    user_close(user, user->wanted);
}

static void test_client_closes(void **state)
{
    static const int codes[][2] = {{1000, 1000}, {1001, 1001}, {1008, 1008},
                                   {1011, 1011}, {1013, 1013}, {4321, 4321},
                                   {1006, 1000}, {99, 1000},   {VE_CLOSE_NONE, 0}};
    struct run *run = *state;
    for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
        static const struct pieces greeting = PIECES("\x81\x01.", ".", 1, 0);
        static struct user user;
        run_begin(run, &user, serve_raw, &greeting);
        user.wanted = codes[i][0];
        user.on_message = close_as_wanted;
        user_run(&user);
        assert_int_equal(user.code, codes[i][1] ? codes[i][1] : VE_CLOSE_NONE);
        run_end(run, &user);
        assert_int_equal(sent_code(run), codes[i][1]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_fragments_and_control_frames, run_setup, run_teardown),
        cmocka_unit_test_setup_teardown(test_broken_frames, run_setup, run_teardown),
        cmocka_unit_test_setup_teardown(test_message_over_the_limit, run_setup, run_teardown),
        cmocka_unit_test_setup_teardown(test_client_closes, run_setup, run_teardown),
    };
    if (ve_wsc_process_init() != 0)
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
