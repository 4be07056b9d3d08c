#include "rig.h"

struct pages {
    struct rig *rig;
    size_t count;
    bool more;
    int64_t ids[VE_STORE_PAGE_MAX];
    uint32_t tries; /* of the last */
    char last[64];  /* body of the last */
    char kind[64];
};

static void on_page(void *arg, int err, const struct ve_inbox_page *page)
{
    struct pages *pages = arg;
    for (size_t i = 0; i < page->count; i++) {
        pages->ids[i] = page->rows[i].id;
        pages->tries = page->rows[i].tries;
        ve_str_copy(pages->last, sizeof(pages->last), page->rows[i].body);
        ve_str_copy(pages->kind, sizeof(pages->kind), page->rows[i].kind);
    }
    pages->count = page->count;
    pages->more = page->more;
    rig_told(pages->rig, err);
}

static int resume(struct pages *pages, int64_t after, unsigned limit)
{
    return rig_wait(pages->rig, ve_inbox_resume(pages->rig->store, after, INT64_MAX, limit, true,
                                                on_page, pages));
}

static void an_event_survives_the_end_of_the_store(void **state)
{
    struct pages pages = {.rig = *state};
    int64_t id = rig_event(pages.rig, "a", "{\"n\":1}");
    assert_true(id > 0);
    rig_reopen(pages.rig);
    assert_int_equal(pages.rig->report.inbox, 1);
    assert_false(pages.rig->report.unclean);
    assert_int_equal(resume(&pages, 0, 10), 0);
    assert_int_equal(pages.count, 1);
    assert_int_equal(pages.ids[0], id);
    assert_int_equal(pages.tries, 1);
    assert_string_equal(pages.last, "{\"n\":1}");
    assert_string_equal(pages.kind, "call/missed");
    assert_int_equal(resume(&pages, 0, 10), 0);
    assert_int_equal(pages.tries, 2);
}

static void a_finished_event_is_gone_and_its_key_stays(void **state)
{
    struct pages pages = {.rig = *state};
    int64_t id = rig_event(pages.rig, "a", "x");
    assert_int_equal(rig_finish(pages.rig, id), 0);
    assert_int_equal(rig_finish(pages.rig, id), VE_ENOENT);
    rig_reopen(pages.rig);
    assert_int_equal(resume(&pages, 0, 10), 0);
    assert_int_equal(pages.count, 0);
    assert_int_equal(rig_event(pages.rig, "a", "x"), VE_EEXIST);
    assert_int_equal(rig_stats(pages.rig).inbox_rows, 0);
    assert_int_equal(rig_stats(pages.rig).inbox_bytes, 0);
    assert_int_equal(rig_stats(pages.rig).seen_rows, 1);
    /* No id is given twice, whatever went in between. */
    assert_true(rig_event(pages.rig, "b", "x") > id);
}

static void events_are_handed_out_in_order_and_in_pages(void **state)
{
    struct pages pages = {.rig = *state};
    char key[16];
    int64_t ids[5];
    for (int i = 0; i < 5; i++) {
        (void)snprintf(key, sizeof(key), "k%d", 9 - i);
        ids[i] = rig_event(pages.rig, key, key);
    }
    assert_int_equal(resume(&pages, 0, 2), 0);
    assert_int_equal(pages.count, 2);
    assert_true(pages.more);
    assert_int_equal(pages.ids[0], ids[0]);
    assert_int_equal(resume(&pages, pages.ids[1], 3), 0);
    assert_int_equal(pages.count, 3);
    assert_false(pages.more);
    assert_int_equal(pages.ids[2], ids[4]);
}

static void a_page_ends_where_it_has_become_long(void **state)
{
    struct pages pages = {.rig = *state};
    char *body = malloc(VE_STORE_BODY_MAX + 1);
    char key[2] = "a";
    assert_non_null(body);
    memset(body, 'x', VE_STORE_BODY_MAX);
    body[VE_STORE_BODY_MAX] = '\0';
    for (; key[0] < 'f'; key[0]++)
        assert_true(rig_event(pages.rig, key, body) > 0);
    free(body);
    size_t seen = 0;
    int64_t after = 0;
    do {
        assert_int_equal(resume(&pages, after, 100), 0);
        assert_in_range(pages.count, 1, 3);
        seen += pages.count;
        after = pages.ids[pages.count - 1];
    } while (pages.more);
    assert_int_equal(seen, 5);
}

static void at_its_bounds_new_events_are_refused_and_repeats_are_known(void **state)
{
    struct rig *rig = *state;
    rig->limits.inbox_rows = 2;
    rig_reopen(rig);
    int64_t first = rig_event(rig, "a", "x");
    assert_true(first > 0 && rig_event(rig, "b", "x") > first);
    assert_int_equal(rig_event(rig, "c", "x"), VE_EBUSY);
    assert_int_equal(rig_event(rig, "a", "x"), VE_EEXIST);
    assert_int_equal(rig_finish(rig, first), 0);
    assert_true(rig_event(rig, "c", "x") > 0);
    /* The refused one left no trace in the seen-set. */
    assert_int_equal(rig_stats(rig).seen_rows, 3);
}

static void bytes_are_bounded_too(void **state)
{
    struct rig *rig = *state;
    rig->limits.inbox_bytes = 10;
    rig_reopen(rig);
    assert_true(rig_event(rig, "a", "12345678") > 0);
    assert_int_equal(rig_event(rig, "b", "123"), VE_EBUSY);
    assert_true(rig_event(rig, "b", "12") > 0);
}

static void the_seen_set_never_forgets_early(void **state)
{
    struct rig *rig = *state;
    rig->limits.seen_rows = 2;
    rig_reopen(rig);
    int64_t a = rig_event(rig, "a", "x");
    int64_t b = rig_event(rig, "b", "x");
    assert_true(a > 0 && b > 0);
    assert_int_equal(rig_finish(rig, a), 0);
    assert_int_equal(rig_finish(rig, b), 0);
    assert_int_equal(rig_event(rig, "c", "x"), VE_EBUSY);
    assert_int_equal(rig_event(rig, "a", "x"), VE_EEXIST);
    assert_int_equal(rig_wait(rig, ve_seen_put(rig->store, VE_STR("c"), NOW, rig_plain, rig)),
                     VE_EBUSY);
}

static void a_key_can_be_seen_without_an_event(void **state)
{
    struct rig *rig = *state;
    assert_int_equal(rig_wait(rig, ve_seen_put(rig->store, VE_STR("a"), NOW, rig_plain, rig)), 0);
    assert_int_equal(rig_wait(rig, ve_seen_put(rig->store, VE_STR("a"), NOW, rig_plain, rig)),
                     VE_EEXIST);
    assert_int_equal(rig_event(rig, "a", "x"), VE_EEXIST);
    assert_int_equal(rig_stats(rig).inbox_rows, 0);
}

static void what_makes_no_sense_is_refused_at_once(void **state)
{
    struct rig *rig = *state;
    char long_key[VE_STORE_KEY_MAX + 2];
    memset(long_key, 'k', sizeof(long_key) - 1);
    long_key[sizeof(long_key) - 1] = '\0';
    assert_int_equal(rig_event(rig, "", "x"), VE_EINVAL);
    assert_int_equal(rig_event(rig, long_key, "x"), VE_EINVAL);
    assert_true(rig_event(rig, long_key + 1, "x") > 0);
    struct ve_inbox_event event = {.key = VE_STR("k"), .body = {"", VE_STORE_BODY_MAX + 1}};
    assert_int_equal(ve_inbox_put(rig->store, &event, rig_number, rig), VE_ETOOBIG);
    assert_int_equal(ve_inbox_resume(rig->store, 0, 1, 0, true, on_page, rig), VE_EINVAL);
    assert_int_equal(ve_inbox_resume(rig->store, 0, 1, VE_STORE_PAGE_MAX + 1, true, on_page, rig),
                     VE_EINVAL);
}

static void bytes_of_any_kind_come_back_as_they_were(void **state)
{
    struct pages pages = {.rig = *state};
    struct ve_inbox_event event = {.key = {"k\0ey", 4}, .body = {"a\0b\xff", 4}};
    assert_int_equal(
        rig_wait(pages.rig, ve_inbox_put(pages.rig->store, &event, rig_number, pages.rig)), 0);
    assert_int_equal(
        rig_wait(pages.rig, ve_inbox_put(pages.rig->store, &event, rig_number, pages.rig)),
        VE_EEXIST);
    assert_int_equal(resume(&pages, 0, 1), 0);
    assert_memory_equal(pages.last, "a\0b\xff", 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        RIG_TEST(an_event_survives_the_end_of_the_store),
        RIG_TEST(a_finished_event_is_gone_and_its_key_stays),
        RIG_TEST(events_are_handed_out_in_order_and_in_pages),
        RIG_TEST(a_page_ends_where_it_has_become_long),
        RIG_TEST(at_its_bounds_new_events_are_refused_and_repeats_are_known),
        RIG_TEST(bytes_are_bounded_too),
        RIG_TEST(the_seen_set_never_forgets_early),
        RIG_TEST(a_key_can_be_seen_without_an_event),
        RIG_TEST(what_makes_no_sense_is_refused_at_once),
        RIG_TEST(bytes_of_any_kind_come_back_as_they_were),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
