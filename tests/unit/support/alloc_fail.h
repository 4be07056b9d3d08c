/*
 * The allocator of the unit tests: counts live blocks and can fail one request.
 */
#ifndef VE_TEST_ALLOC_FAIL_H
#define VE_TEST_ALLOC_FAIL_H

#include <stdbool.h>

/* Blocks handed out and not yet freed. */
long test_alloc_live(void);
/* The n-th request from now fails (0 = the next one); a negative n fails none. */
void test_alloc_fail_at(long n);
/* Was the request that had to fail made? */
bool test_alloc_failed(void);

/*
 * Runs `scenario` again and again, its 1st, 2nd, 3rd ... request failing, until it gets through
 * without a failure. The scenario returns 0 or an error; it must leave nothing behind either way.
 * Returns the number of requests that were failed, so that a test can see that there were some.
 */
long test_alloc_sweep(int (*scenario)(void *arg), void *arg);

#endif
