#include "base/list.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

struct item {
    int number;
    struct ve_link link;
};

static int number_of(struct ve_link *link)
{
    return VE_CONTAINER(link, struct item, link)->number;
}

static void first_in_first_out(void **state)
{
    (void)state;
    struct ve_link list;
    struct item items[3] = {{.number = 1}, {.number = 2}, {.number = 3}};
    ve_link_init(&list);
    assert_true(ve_list_empty(&list));
    assert_null(ve_list_shift(&list));
    for (int i = 0; i < 3; i++)
        ve_list_push(&list, &items[i].link);
    assert_false(ve_list_empty(&list));
    for (int i = 1; i <= 3; i++)
        assert_int_equal(number_of(ve_list_shift(&list)), i);
    assert_true(ve_list_empty(&list));
}

static void removing_twice_is_harmless(void **state)
{
    (void)state;
    struct ve_link list;
    struct item items[2] = {{.number = 1}, {.number = 2}};
    ve_link_init(&list);
    ve_list_push(&list, &items[0].link);
    ve_list_push(&list, &items[1].link);
    ve_link_remove(&items[0].link);
    ve_link_remove(&items[0].link);
    assert_int_equal(number_of(list.next), 2);
    assert_ptr_equal(list.next, list.prev);
}

static void the_visited_one_may_go(void **state)
{
    (void)state;
    struct ve_link list;
    struct item items[4] = {{.number = 1}, {.number = 2}, {.number = 3}, {.number = 4}};
    int seen = 0;
    ve_link_init(&list);
    for (int i = 0; i < 4; i++)
        ve_list_push(&list, &items[i].link);
    VE_LIST_EACH(&list, it)
    {
        seen = seen * 10 + number_of(it);
        if (number_of(it) % 2 == 0)
            ve_link_remove(it);
    }
    assert_int_equal(seen, 1234);
    assert_int_equal(number_of(list.next), 1);
    assert_int_equal(number_of(list.prev), 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(first_in_first_out),
        cmocka_unit_test(removing_twice_is_harmless),
        cmocka_unit_test(the_visited_one_may_go),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
