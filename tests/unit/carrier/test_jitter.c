#include "carrier/jitter.h"

#include "alloc_fail.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define MS 1000000ull

struct rig {
    struct ve_jitter jitter;
    struct ve_carrier_stats stats;
    uint64_t now;
    char log[512]; /* "1 2 -3 5 !7 9": packets, lost ones, who was left */
};

static void note(struct rig *rig, const char *mark, unsigned number)
{
    size_t len = strlen(rig->log);
    (void)snprintf(rig->log + len, sizeof(rig->log) - len, "%s%s%u", len ? " " : "", mark, number);
}

static void on_packet(void *arg, const struct ve_rtp_packet *packet)
{
    assert_int_equal(packet->len, 1);
    assert_int_equal(packet->payload[0], packet->seq & 255);
    note(arg, "", packet->seq);
}

static void on_lost(void *arg, unsigned count)
{
    note(arg, "-", count);
}

static void on_reset(void *arg)
{
    struct rig *rig = arg;
    note(rig, "!", rig->jitter.ssrc);
}

static const struct ve_jitter_events events = {on_packet, on_lost, on_reset};

static void open_rig(struct rig *rig)
{
    memset(rig, 0, sizeof(*rig));
    rig->now = 1000 * MS;
    ve_jitter_init(&rig->jitter, &events, rig, &rig->stats);
}

static void put(struct rig *rig, uint32_t ssrc, uint16_t seq)
{
    uint8_t payload = (uint8_t)seq;
    struct ve_rtp_packet packet = {0, false, seq, 0, ssrc, &payload, 1};
    ve_jitter_put(&rig->jitter, &packet, rig->now);
}

static void pass(struct rig *rig, unsigned ms)
{
    uint64_t until = rig->now + ms * MS;
    for (uint64_t due = ve_jitter_due(&rig->jitter); due && due <= until;
         due = ve_jitter_due(&rig->jitter)) {
        assert_true(due >= rig->now);
        rig->now = due;
        ve_jitter_tick(&rig->jitter, due);
    }
    rig->now = until;
}

static void expect(struct rig *rig, const char *log)
{
    assert_string_equal(rig->log, log);
    ve_jitter_free(&rig->jitter);
    assert_int_equal(test_alloc_live(), 0);
}

static void packets_in_order_are_not_held(void **state)
{
    struct rig rig;
    (void)state;
    open_rig(&rig);
    for (uint16_t seq = 65534; seq != 2; seq++)
        put(&rig, 7, seq);
    assert_int_equal(ve_jitter_due(&rig.jitter), 0);
    assert_int_equal(rig.stats.packets, 4);
    expect(&rig, "65534 65535 0 1");
}

static void packets_out_of_order_are_put_right(void **state)
{
    static const uint16_t order[] = {1, 3, 2, 4, 7, 6, 5, 8, 8, 8, 3};
    struct rig rig;
    (void)state;
    open_rig(&rig);
    for (size_t i = 0; i < sizeof(order) / sizeof(order[0]); i++)
        put(&rig, 7, order[i]);
    assert_int_equal(rig.stats.late, 3);
    assert_int_equal(rig.stats.lost, 0);
    expect(&rig, "1 2 3 4 5 6 7 8");
}

static void a_gap_is_given_up_after_its_time_or_by_what_follows(void **state)
{
    struct rig rig;
    (void)state;
    open_rig(&rig);
    put(&rig, 7, 1);
    put(&rig, 7, 3);
    pass(&rig, 59);
    assert_string_equal(rig.log, "1");
    pass(&rig, 1);
    assert_string_equal(rig.log, "1 -1 3");
    put(&rig, 7, 2); /* too late now */
    put(&rig, 7, 5);
    put(&rig, 7, 6);
    put(&rig, 7, 7); /* the third that overtakes */
    put(&rig, 7, 200);
    assert_int_equal(rig.stats.late, 1);
    pass(&rig, 60);
    assert_int_equal(rig.stats.lost, 1 + 1 + 192);
    expect(&rig, "1 -1 3 -1 5 6 7 -190 -2 200");
}

static void another_sender_waits_until_the_first_is_silent(void **state)
{
    struct rig rig;
    (void)state;
    open_rig(&rig);
    for (uint16_t i = 0; i < 5; i++) {
        put(&rig, 7, i);
        put(&rig, 8, (uint16_t)(100 + i));
        pass(&rig, 20);
    }
    assert_string_equal(rig.log, "0 1 2 3 4");
    assert_int_equal(rig.stats.foreign, 5);
    /* The first falls silent: 60 ms after its last packet the other one is heard. */
    for (uint16_t i = 5; i < 9; i++) {
        put(&rig, 8, (uint16_t)(100 + i));
        pass(&rig, 20);
    }
    assert_int_equal(rig.stats.resets, 1);
    expect(&rig, "0 1 2 3 4 !7 106 107 108");
}

static void one_packet_of_another_sender_is_not_enough(void **state)
{
    struct rig rig;
    (void)state;
    open_rig(&rig);
    put(&rig, 7, 1);
    pass(&rig, 500);
    put(&rig, 8, 50);
    pass(&rig, 20);
    put(&rig, 9, 51);
    pass(&rig, 20);
    put(&rig, 8, 52); /* not in a row */
    put(&rig, 7, 2);
    expect(&rig, "1 2");
}

static void a_sender_that_begins_anew_is_heard_within_100_ms(void **state)
{
    static const uint16_t begins[] = {40000, 5, 980, 3999, 31000};
    (void)state;
    for (size_t i = 0; i < 5; i++) {
        struct rig rig;
        open_rig(&rig);
        for (uint16_t seq = 990; seq < 1000; seq++) {
            put(&rig, 7, seq);
            pass(&rig, 20);
        }
        rig.log[0] = '\0';
        unsigned ms = 0;
        for (uint16_t k = 0; !rig.log[0] && ms <= 200; k++, ms += 20) {
            put(&rig, 7, (uint16_t)(begins[i] + k));
            pass(&rig, 20);
        }
        assert_in_range(ms, 20, 100);
        ve_jitter_free(&rig.jitter);
    }
    assert_int_equal(test_alloc_live(), 0);
}

static void any_order_and_any_number_does_no_harm(void **state)
{
    struct rig rig;
    (void)state;
    open_rig(&rig);
    srand(11);
    for (int i = 0; i < 20000; i++) {
        rig.log[0] = '\0';
        uint16_t seq = rand() % 4 ? (uint16_t)(rig.jitter.next + rand() % 7 - 2) : (uint16_t)rand();
        put(&rig, rand() % 5 ? 7u : (uint32_t)(rand() % 3), seq);
        if (rand() % 3 == 0)
            pass(&rig, (unsigned)rand() % 90);
    }
    rig.log[0] = '\0';
    assert_true(rig.stats.packets > 1000 && rig.stats.resets > 0);
    expect(&rig, "");
}

static void without_memory_a_held_packet_is_lost_and_nothing_else(void **state)
{
    struct rig rig;
    (void)state;
    open_rig(&rig);
    put(&rig, 7, 1);
    test_alloc_fail_at(0);
    put(&rig, 7, 3);
    assert_true(test_alloc_failed());
    test_alloc_fail_at(-1);
    put(&rig, 7, 2);
    put(&rig, 7, 4);
    pass(&rig, 60);
    expect(&rig, "1 2 -1 4");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(packets_in_order_are_not_held),
        cmocka_unit_test(packets_out_of_order_are_put_right),
        cmocka_unit_test(a_gap_is_given_up_after_its_time_or_by_what_follows),
        cmocka_unit_test(another_sender_waits_until_the_first_is_silent),
        cmocka_unit_test(one_packet_of_another_sender_is_not_enough),
        cmocka_unit_test(a_sender_that_begins_anew_is_heard_within_100_ms),
        cmocka_unit_test(any_order_and_any_number_does_no_harm),
        cmocka_unit_test(without_memory_a_held_packet_is_lost_and_nothing_else),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
