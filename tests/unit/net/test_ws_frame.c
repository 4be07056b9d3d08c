#include "net/ws_frame.h"

#include "ws_client.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#define MAX_MESSAGE 100000

/* All that a reader said about some bytes, as text: "T[" pieces "]" per message, "P(..)" ... */
struct heard {
    uint8_t bytes[2 * MAX_MESSAGE];
    size_t len;
    unsigned messages, pings, pongs, closes;
    int err;
};

static void hear(struct heard *heard, const struct ve_ws_piece *piece)
{
    heard->pings += piece->opcode == VE_WS_PING;
    heard->pongs += piece->opcode == VE_WS_PONG;
    heard->closes += piece->opcode == VE_WS_CLOSE;
    if (piece->opcode <= VE_OP_BINARY)
        heard->messages += piece->last;
    if (piece->len)
        memcpy(heard->bytes + heard->len, piece->bytes, piece->len);
    heard->len += piece->len;
}

/* Feeds `bytes` in pieces of `step` bytes. The reader may write in them, so they are copied. */
static struct heard *read_in_steps(const uint8_t *bytes, size_t len, size_t step)
{
    struct heard *heard = calloc(1, sizeof(*heard));
    struct ve_ws_reader reader;
    ve_ws_reader_init(&reader, MAX_MESSAGE);
    for (size_t at = 0; at < len && !heard->err; at += step) {
        size_t n = len - at < step ? len - at : step;
        uint8_t *copy = malloc(n);
        memcpy(copy, bytes + at, n);
        size_t done = 0;
        int got = 1;
        while (got > 0) {
            struct ve_ws_piece piece;
            size_t used;
            got = ve_ws_read(&reader, copy + done, n - done, &used, &piece);
            done += used;
            if (got > 0)
                hear(heard, &piece);
        }
        heard->err = got;
        if (!got)
            assert_int_equal(done, n);
        free(copy);
    }
    return heard;
}

static int outcome(const uint8_t *bytes, size_t len)
{
    struct heard *whole = read_in_steps(bytes, len, len);
    struct heard *single = read_in_steps(bytes, len, 1);
    int err = whole->err;
    assert_int_equal(single->err, err);
    free(whole);
    free(single);
    return err;
}

#define OUTCOME(...) outcome((const uint8_t[]){__VA_ARGS__}, sizeof((const uint8_t[]){__VA_ARGS__}))

/* The masked "Hello" of RFC 6455 section 5.7. */
static void reads_the_example_of_the_rfc(void **state)
{
    (void)state;
    const uint8_t frame[] = {0x81, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58};
    struct heard *heard = read_in_steps(frame, sizeof(frame), sizeof(frame));
    assert_int_equal(heard->err, 0);
    assert_int_equal(heard->messages, 1);
    assert_int_equal(heard->len, 5);
    assert_memory_equal(heard->bytes, "Hello", 5);
    free(heard);
}

static void a_piece_tells_its_place_in_the_message(void **state)
{
    (void)state;
    uint8_t wire[64];
    size_t len = ws_client_frame(wire, 0x02, "abc", 3);
    len += ws_client_frame(wire + len, 0x80, "de", 2);
    struct ve_ws_reader reader;
    struct ve_ws_piece piece;
    size_t used;
    ve_ws_reader_init(&reader, 100);
    assert_int_equal(ve_ws_read(&reader, wire, len, &used, &piece), 1);
    assert_int_equal(piece.opcode, VE_OP_BINARY);
    assert_true(piece.first);
    assert_false(piece.last);
    assert_int_equal(piece.len, 3);
    assert_int_equal(used, 9);
    assert_ptr_equal(piece.bytes, wire + 6); /* in place, not copied */
    size_t at = used;
    assert_int_equal(ve_ws_read(&reader, wire + at, len - at, &used, &piece), 1);
    assert_int_equal(piece.opcode, VE_OP_BINARY);
    assert_false(piece.first);
    assert_true(piece.last);
    assert_memory_equal(piece.bytes, "de", 2);
    assert_int_equal(at + used, len);
}

static void every_length_and_every_split_gives_the_same_bytes(void **state)
{
    (void)state;
    static const size_t lengths[] = {0, 1, 7, 8, 9, 125, 126, 127, 640, 65535, 65536, MAX_MESSAGE};
    static const size_t steps[] = {1, 2, 3, 5, 7, 13, 64, 1000, 4096, 1000000};
    uint8_t *payload = malloc(MAX_MESSAGE);
    uint8_t *wire = malloc(MAX_MESSAGE + 14);
    for (size_t i = 0; i < MAX_MESSAGE; i++)
        payload[i] = (uint8_t)(i * 131 + i / 256);
    for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
        size_t len = ws_client_frame(wire, 0x82, payload, lengths[i]);
        for (size_t j = 0; j < sizeof(steps) / sizeof(steps[0]); j++) {
            struct heard *heard = read_in_steps(wire, len, steps[j]);
            assert_int_equal(heard->err, 0);
            assert_int_equal(heard->messages, 1);
            assert_int_equal(heard->len, lengths[i]);
            assert_memory_equal(heard->bytes, payload, lengths[i]);
            free(heard);
        }
    }
    free(payload);
    free(wire);
}

static void a_message_of_no_bytes_is_one_piece(void **state)
{
    (void)state;
    uint8_t wire[64];
    struct ve_ws_reader reader;
    struct ve_ws_piece piece;
    size_t used;
    size_t len = ws_client_frame(wire, 0x82, "", 0);
    ve_ws_reader_init(&reader, 100);
    assert_int_equal(ve_ws_read(&reader, wire, len, &used, &piece), 1);
    assert_int_equal(piece.len, 0);
    assert_true(piece.first && piece.last);
    assert_int_equal(ve_ws_read(&reader, wire, 0, &used, &piece), 0);
}

static void empty_fragments_are_silent_but_for_the_last(void **state)
{
    (void)state;
    uint8_t wire[64];
    size_t len = ws_client_frame(wire, 0x01, "", 0);
    len += ws_client_frame(wire + len, 0x00, "", 0);
    len += ws_client_frame(wire + len, 0x00, "x", 1);
    len += ws_client_frame(wire + len, 0x80, "", 0);
    struct ve_ws_reader reader;
    struct ve_ws_piece piece;
    size_t used, at;
    ve_ws_reader_init(&reader, 100);
    assert_int_equal(ve_ws_read(&reader, wire, len, &used, &piece), 1);
    at = used;
    assert_true(piece.first);
    assert_false(piece.last);
    assert_int_equal(piece.len, 1);
    assert_int_equal(ve_ws_read(&reader, wire + at, len - at, &used, &piece), 1);
    assert_false(piece.first);
    assert_true(piece.last);
    assert_int_equal(piece.len, 0);
    assert_int_equal(at + used, len);
}

static void control_frames_may_stand_between_fragments(void **state)
{
    (void)state;
    uint8_t wire[128];
    size_t len = ws_client_frame(wire, 0x01, "Hel", 3);
    len += ws_client_frame(wire + len, 0x89, "ping", 4);
    len += ws_client_frame(wire + len, 0x8A, "pong", 4);
    len += ws_client_frame(wire + len, 0x80, "lo", 2);
    for (size_t step = 1; step <= len; step++) {
        struct heard *heard = read_in_steps(wire, len, step);
        assert_int_equal(heard->err, 0);
        assert_int_equal(heard->pings, 1);
        assert_int_equal(heard->pongs, 1);
        assert_int_equal(heard->messages, 1);
        assert_int_equal(heard->len, 13);
        free(heard);
    }
}

static void a_control_frame_is_given_whole(void **state)
{
    (void)state;
    uint8_t wire[256], payload[125];
    memset(payload, 'p', sizeof(payload));
    size_t len = ws_client_frame(wire, 0x89, payload, sizeof(payload));
    for (size_t step = 1; step < len; step += 17) {
        struct heard *heard = read_in_steps(wire, len, step);
        assert_int_equal(heard->pings, 1);
        assert_int_equal(heard->len, sizeof(payload));
        assert_memory_equal(heard->bytes, payload, sizeof(payload));
        free(heard);
    }
}

/* --- what is refused, and with which code --- */

static void an_unmasked_frame_is_1002(void **state)
{
    (void)state;
    assert_int_equal(OUTCOME(0x81, 0x05, 'H', 'e', 'l', 'l', 'o'), -1002);
    assert_int_equal(OUTCOME(0x89, 0x00), -1002);
}

static void reserved_bits_are_1002(void **state)
{
    (void)state;
    assert_int_equal(OUTCOME(0xC1), -1002);
    assert_int_equal(OUTCOME(0xA1), -1002);
    assert_int_equal(OUTCOME(0x91), -1002);
    assert_int_equal(OUTCOME(0xC9), -1002);
}

static void unknown_opcodes_are_1002(void **state)
{
    (void)state;
    for (unsigned opcode = 0; opcode < 16; opcode++) {
        uint8_t first = (uint8_t)(0x80 | opcode);
        int expected = (opcode > 2 && opcode < 8) || opcode > 10 || opcode == 0 ? -1002 : 0;
        assert_int_equal(outcome(&first, 1), expected);
    }
}

static void a_fragmented_control_frame_is_1002(void **state)
{
    (void)state;
    assert_int_equal(OUTCOME(0x09), -1002);
    assert_int_equal(OUTCOME(0x08), -1002);
    assert_int_equal(OUTCOME(0x0A), -1002);
}

static void a_long_control_frame_is_1002(void **state)
{
    (void)state;
    assert_int_equal(OUTCOME(0x89, 0xFE), -1002);
    assert_int_equal(OUTCOME(0x88, 0xFF), -1002);
    assert_int_equal(OUTCOME(0x89, 0xFD), 0);
}

static void a_continuation_without_a_start_is_1002(void **state)
{
    (void)state;
    uint8_t wire[64];
    assert_int_equal(OUTCOME(0x80), -1002);
    assert_int_equal(OUTCOME(0x00), -1002);
    size_t len = ws_client_frame(wire, 0x82, "whole", 5);
    wire[len++] = 0x80;
    assert_int_equal(outcome(wire, len), -1002);
}

static void a_new_message_inside_a_fragmented_one_is_1002(void **state)
{
    (void)state;
    uint8_t wire[64];
    size_t len = ws_client_frame(wire, 0x01, "one", 3);
    wire[len] = 0x81;
    assert_int_equal(outcome(wire, len + 1), -1002);
    wire[len] = 0x82;
    assert_int_equal(outcome(wire, len + 1), -1002);
    wire[len] = 0x80;
    assert_int_equal(outcome(wire, len + 1), 0);
}

static void a_length_with_the_top_bit_is_1002(void **state)
{
    (void)state;
    assert_int_equal(OUTCOME(0x82, 0xFF, 0x80, 0, 0, 0, 0, 1, 0, 0), -1002);
}

static void a_length_not_in_its_shortest_form_is_1002(void **state)
{
    (void)state;
    assert_int_equal(OUTCOME(0x82, 0xFE, 0x00, 0x7D), -1002);
    assert_int_equal(OUTCOME(0x82, 0xFE, 0x00, 0x7E), 0);
    assert_int_equal(OUTCOME(0x82, 0xFF, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF), -1002);
    assert_int_equal(OUTCOME(0x82, 0xFF, 0, 0, 0, 0, 0, 1, 0, 0), 0);
}

static void a_message_over_the_limit_is_1009_before_its_bytes(void **state)
{
    (void)state;
    uint8_t wire[64];
    struct ve_ws_reader reader;
    struct ve_ws_piece piece;
    size_t used;
    ve_ws_reader_init(&reader, 10);
    size_t len = ws_client_frame(wire, 0x82, "12345678901", 11);
    assert_int_equal(ve_ws_read(&reader, wire, 2, &used, &piece), -1009);

    ve_ws_reader_init(&reader, 10);
    len = ws_client_frame(wire, 0x02, "12345678", 8);
    size_t second = len;
    len += ws_client_frame(wire + len, 0x80, "901", 3);
    assert_int_equal(ve_ws_read(&reader, wire, second, &used, &piece), 1);
    assert_int_equal(ve_ws_read(&reader, wire + second, 2, &used, &piece), -1009);

    ve_ws_reader_init(&reader, SIZE_MAX);
    len = ws_client_frame(wire, 0x02, "1", 1);
    memcpy(wire + len, "\x80\xFF\x7F\xFF\xFF\xFF\xFF\xFF\xFF\xFF", 10);
    assert_int_equal(ve_ws_read(&reader, wire, len, &used, &piece), 1);
    assert_int_equal(ve_ws_read(&reader, wire + len, 10, &used, &piece), 0);
}

static void the_limit_is_per_message(void **state)
{
    (void)state;
    uint8_t wire[64];
    size_t len = ws_client_frame(wire, 0x82, "1234567890", 10);
    struct ve_ws_reader reader;
    struct ve_ws_piece piece;
    size_t used;
    ve_ws_reader_init(&reader, 10);
    for (int i = 0; i < 5; i++) {
        uint8_t copy[64];
        memcpy(copy, wire, len);
        assert_int_equal(ve_ws_read(&reader, copy, len, &used, &piece), 1);
    }
}

static int text_outcome(const char *text, size_t len)
{
    uint8_t wire[128];
    return outcome(wire, ws_client_frame(wire, 0x81, text, len));
}

static void text_that_is_not_utf8_is_1007(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "\x80",         "\xC0\x80",         "\xC1\xBF",         "\xE0\x9F\xBF", "\xED\xA0\x80",
        "\xED\xBF\xBF", "\xF0\x8F\xBF\xBF", "\xF4\x90\x80\x80", "\xF5\x80",     "\xFF",
        "a\xE2\x82",    "\xE2\x28\xA1",     "abcdefgh\xF8",     "\xC3",         "\xC3(",
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_int_equal(text_outcome(bad[i], strlen(bad[i])), -1007);
}

static void good_utf8_passes(void **state)
{
    (void)state;
    static const char *const good[] = {
        "",
        "plain ascii text that is longer than eight bytes",
        "\xC2\x80",
        "\xDF\xBF",
        "\xE0\xA0\x80",
        "\xED\x9F\xBF",
        "\xEE\x80\x80",
        "\xEF\xBF\xBF",
        "\xF0\x90\x80\x80",
        "\xF4\x8F\xBF\xBF",
        ("12345678\xC3\xA9"
         "12345678\xE2\x82\xAC"),
    };
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
        assert_int_equal(text_outcome(good[i], strlen(good[i])), 0);
}

static void a_character_may_be_split_between_fragments(void **state)
{
    (void)state;
    uint8_t wire[128];
    size_t len = ws_client_frame(wire, 0x01, "\xF0\x9F", 2);
    len += ws_client_frame(wire + len, 0x89, "\xFF", 1); /* a ping is not text */
    len += ws_client_frame(wire + len, 0x00, "\x98", 1);
    len += ws_client_frame(wire + len, 0x80, "\x80", 1);
    assert_int_equal(outcome(wire, len), 0);
    len = ws_client_frame(wire, 0x01, "\xF0\x9F", 2);
    len += ws_client_frame(wire + len, 0x80, "", 0);
    assert_int_equal(outcome(wire, len), -1007);
}

static void bad_utf8_fails_at_once(void **state)
{
    (void)state;
    uint8_t wire[64];
    size_t len = ws_client_frame(wire, 0x01, "ok\xFFmore", 7);
    struct ve_ws_reader reader;
    struct ve_ws_piece piece;
    size_t used;
    ve_ws_reader_init(&reader, 100);
    assert_int_equal(ve_ws_read(&reader, wire, len - 4, &used, &piece), -1007);
}

static void binary_may_hold_anything(void **state)
{
    (void)state;
    uint8_t wire[64];
    assert_int_equal(outcome(wire, ws_client_frame(wire, 0x82, "\xFF\xFE\x80", 3)), 0);
}

/* --- close codes --- */

static int close_outcome(unsigned code, const char *reason)
{
    uint8_t payload[130];
    payload[0] = (uint8_t)(code >> 8);
    payload[1] = (uint8_t)code;
    memcpy(payload + 2, reason, strlen(reason));
    return ve_ws_close_code(payload, 2 + strlen(reason));
}

static void close_codes_that_may_be_sent(void **state)
{
    (void)state;
    static const int good[] = {1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010,
                               1011, 1012, 1013, 1014, 3000, 3999, 4000, 4999};
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
        assert_int_equal(close_outcome((unsigned)good[i], "bye"), good[i]);
    assert_int_equal(ve_ws_close_code(NULL, 0), VE_CLOSE_NONE);
}

static void close_codes_that_may_not_be_sent_are_1002(void **state)
{
    (void)state;
    static const unsigned bad[] = {0,    1,    999,  1004, 1005, 1006, 1015,
                                   1016, 1100, 2000, 2999, 5000, 65535};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_int_equal(close_outcome(bad[i], ""), -1002);
}

static void half_a_close_code_is_1002(void **state)
{
    (void)state;
    assert_int_equal(ve_ws_close_code((const uint8_t *)"\x03", 1), -1002);
}

static void a_close_reason_that_is_not_utf8_is_1007(void **state)
{
    (void)state;
    assert_int_equal(close_outcome(1000, "\xC3\xA9"), 1000);
    assert_int_equal(close_outcome(1000, "\xC3"), -1007);
}

/* --- writing --- */

static void heads_are_written_in_the_shortest_form(void **state)
{
    (void)state;
    uint8_t room[16];
    uint8_t *end = room + sizeof(room);
    assert_int_equal(ve_ws_write_head(end, VE_OP_BINARY, 125), 2);
    assert_memory_equal(end - 2, "\x82\x7D", 2);
    assert_int_equal(ve_ws_write_head(end, VE_OP_TEXT, 126), 4);
    assert_memory_equal(end - 4, "\x81\x7E\x00\x7E", 4);
    assert_int_equal(ve_ws_write_head(end, VE_OP_BINARY, 65535), 4);
    assert_memory_equal(end - 4, "\x82\x7E\xFF\xFF", 4);
    assert_int_equal(ve_ws_write_head(end, VE_OP_BINARY, 65536), 10);
    assert_memory_equal(end - 10, "\x82\x7F\0\0\0\0\0\1\0\0", 10);
    assert_int_equal(ve_ws_write_head(end, VE_WS_CLOSE, 0), 2);
    assert_memory_equal(end - 2, "\x88\x00", 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_the_example_of_the_rfc),
        cmocka_unit_test(a_piece_tells_its_place_in_the_message),
        cmocka_unit_test(every_length_and_every_split_gives_the_same_bytes),
        cmocka_unit_test(a_message_of_no_bytes_is_one_piece),
        cmocka_unit_test(empty_fragments_are_silent_but_for_the_last),
        cmocka_unit_test(control_frames_may_stand_between_fragments),
        cmocka_unit_test(a_control_frame_is_given_whole),
        cmocka_unit_test(an_unmasked_frame_is_1002),
        cmocka_unit_test(reserved_bits_are_1002),
        cmocka_unit_test(unknown_opcodes_are_1002),
        cmocka_unit_test(a_fragmented_control_frame_is_1002),
        cmocka_unit_test(a_long_control_frame_is_1002),
        cmocka_unit_test(a_continuation_without_a_start_is_1002),
        cmocka_unit_test(a_new_message_inside_a_fragmented_one_is_1002),
        cmocka_unit_test(a_length_with_the_top_bit_is_1002),
        cmocka_unit_test(a_length_not_in_its_shortest_form_is_1002),
        cmocka_unit_test(a_message_over_the_limit_is_1009_before_its_bytes),
        cmocka_unit_test(the_limit_is_per_message),
        cmocka_unit_test(text_that_is_not_utf8_is_1007),
        cmocka_unit_test(good_utf8_passes),
        cmocka_unit_test(a_character_may_be_split_between_fragments),
        cmocka_unit_test(bad_utf8_fails_at_once),
        cmocka_unit_test(binary_may_hold_anything),
        cmocka_unit_test(close_codes_that_may_be_sent),
        cmocka_unit_test(close_codes_that_may_not_be_sent_are_1002),
        cmocka_unit_test(half_a_close_code_is_1002),
        cmocka_unit_test(a_close_reason_that_is_not_utf8_is_1007),
        cmocka_unit_test(heads_are_written_in_the_shortest_form),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
