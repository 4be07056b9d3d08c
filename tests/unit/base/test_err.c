#include "base/err.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void every_code_has_a_name_of_its_own(void **state)
{
    (void)state;
    for (int a = VE_EFAILED; a <= VE_OK; a++) {
        assert_string_not_equal(ve_err_name(a), "unknown");
        for (int b = VE_EFAILED; b < a; b++)
            assert_string_not_equal(ve_err_name(a), ve_err_name(b));
    }
}

static void other_numbers_are_unknown(void **state)
{
    (void)state;
    assert_string_equal(ve_err_name(1), "unknown");
    assert_string_equal(ve_err_name(VE_EFAILED - 1), "unknown");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_code_has_a_name_of_its_own),
        cmocka_unit_test(other_numbers_are_unknown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
