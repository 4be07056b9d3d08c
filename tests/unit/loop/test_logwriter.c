#include "loop/logwriter.h"

#include "alloc_fail.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/json.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

struct reader {
    pthread_t thread;
    int fd;
    struct ve_buf text;
};

static void *read_to_end(void *arg)
{
    struct reader *reader = arg;
    char part[8192];
    for (ssize_t n = read(reader->fd, part, sizeof(part)); n > 0;
         n = read(reader->fd, part, sizeof(part)))
        (void)ve_buf_add(&reader->text, part, (size_t)n);
    return NULL;
}

static void start_reader(struct reader *reader, int fd)
{
    reader->fd = fd;
    ve_buf_init(&reader->text, 0);
    assert_int_equal(pthread_create(&reader->thread, NULL, read_to_end, reader), 0);
}

static void open_pipe(int fd[2], int flags)
{
    assert_int_equal(pipe(fd), 0);
    assert_int_equal(fcntl(fd[1], F_SETFL, flags), 0);
}

/* "line 0000017 ....": numbered, so that order and losses can be told from the text. */
static void write_lines(struct ve_logwriter *writer, const char *format, unsigned count)
{
    char line[256];
    for (unsigned i = 0; i < count; i++) {
        int n = snprintf(line, sizeof(line), format, i, "..........................");
        ve_logwriter_write(writer, line, (size_t)n);
    }
}

static void check_all_there(int flags)
{
    struct ve_logwriter *writer;
    struct reader reader;
    int fd[2];
    open_pipe(fd, flags);
    assert_int_equal(ve_logwriter_new(&writer, fd[1]), 0);
    start_reader(&reader, fd[0]);
    write_lines(writer, "line %07u %s\n", 5000);
    ve_logwriter_free(writer);
    close(fd[1]);
    pthread_join(reader.thread, NULL);
    close(fd[0]);
    struct ve_str rest = ve_buf_str(&reader.text);
    for (unsigned i = 0; i < 5000; i++) {
        char expected[64];
        (void)snprintf(expected, sizeof(expected), "line %07u ..........................", i);
        assert_true(ve_str_eq(ve_str_cut(&rest, '\n'), ve_str(expected)));
    }
    assert_int_equal(rest.len, 0);
    ve_buf_free(&reader.text);
}

static void every_line_arrives_in_order(void **state)
{
    (void)state;
    check_all_there(0);
}

/* As when the other end of a pipe made it so for both. */
static void also_through_a_descriptor_that_does_not_block(void **state)
{
    (void)state;
    check_all_there(O_NONBLOCK);
}

struct lines {
    uint64_t read;    /* lines that arrived */
    uint64_t dropped; /* sum of the notices */
    uint64_t notices;
};

static void take_json_line(struct lines *lines, struct ve_str line)
{
    struct ve_json *json = NULL;
    char why[96];
    uint64_t count = 0;
    if (ve_json_parse(&json, line, why) != 0)
        fail_msg("no JSON: %.*s", VE_STR_ARG(line));
    if (ve_str_eq(ve_json_get_str(json, "event"), VE_STR("log_lines_dropped"))) {
        assert_int_equal(ve_json_u64(ve_json_get(json, "count"), &count), 0);
        assert_true(ve_str_eq(ve_json_get_str(json, "level"), VE_STR("warn")));
        lines->notices++;
        lines->dropped += count;
    } else {
        lines->read++;
    }
    ve_json_free(json);
}

static void take_text_line(struct lines *lines, struct ve_str line)
{
    static const char notice[] = " warn  log_lines_dropped | The log is read too slowly | count=";
    const char *at = memmem(line.ptr, line.len, notice, strlen(notice));
    uint64_t count = 0;
    if (!at) {
        lines->read++;
        return;
    }
    at += strlen(notice);
    struct ve_str number = ve_str_n(at, (size_t)(line.ptr + line.len - at));
    assert_int_equal(ve_str_u64(&count, number, UINT64_MAX), 0);
    lines->notices++;
    lines->dropped += count;
}

/* Nobody reads while four times the backlog is logged: the caller is never held up, and the
 * losses are in the log. */
static void check_losses(const char *format, void (*take)(struct lines *, struct ve_str))
{
    enum { SENT = 80000 };
    struct ve_logwriter *writer;
    struct reader reader;
    struct lines lines = {0, 0, 0};
    int fd[2];
    open_pipe(fd, 0);
    assert_int_equal(ve_logwriter_new(&writer, fd[1]), 0);
    write_lines(writer, format, SENT);
    start_reader(&reader, fd[0]);
    ve_logwriter_free(writer);
    close(fd[1]);
    pthread_join(reader.thread, NULL);
    close(fd[0]);
    struct ve_str rest = ve_buf_str(&reader.text);
    while (rest.len)
        take(&lines, ve_str_cut(&rest, '\n'));
    assert_true(lines.notices > 0 && lines.dropped > 0);
    assert_int_equal(lines.read + lines.dropped, SENT);
    ve_buf_free(&reader.text);
}

static void losses_are_told_in_text(void **state)
{
    (void)state;
    check_losses("line %07u %s %%\n", take_text_line);
}

static void losses_are_told_in_json(void **state)
{
    (void)state;
    check_losses("{\"event\":\"line\",\"n\":%u,\"fill\":\"%s\"}\n", take_json_line);
}

static void a_reader_that_is_gone(void **state)
{
    (void)state;
    struct ve_logwriter *writer;
    int fd[2];
    (void)signal(SIGPIPE, SIG_IGN);
    open_pipe(fd, 0);
    close(fd[0]);
    assert_int_equal(ve_logwriter_new(&writer, fd[1]), 0);
    write_lines(writer, "line %07u %s\n", 10);
    ve_logwriter_free(writer);
    close(fd[1]);
}

/* The pipe is full and stays so: the end must come all the same. */
static void a_reader_that_has_stopped(void **state)
{
    (void)state;
    struct ve_logwriter *writer;
    int fd[2];
    open_pipe(fd, 0);
    assert_int_equal(ve_logwriter_new(&writer, fd[1]), 0);
    write_lines(writer, "line %07u %s\n", 10000);
    ve_logwriter_free(writer);
    close(fd[0]);
    close(fd[1]);
}

static int make_and_free(void *arg)
{
    struct ve_logwriter *writer;
    int err = ve_logwriter_new(&writer, *(int *)arg);
    if (err)
        return err;
    ve_logwriter_write(writer, "", 0);
    ve_logwriter_free(writer);
    return 0;
}

static void without_memory(void **state)
{
    (void)state;
    int fd[2];
    open_pipe(fd, 0);
    assert_int_equal(test_alloc_sweep(make_and_free, &fd[1]), 1);
    close(fd[0]);
    close(fd[1]);
    ve_logwriter_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_line_arrives_in_order),
        cmocka_unit_test(also_through_a_descriptor_that_does_not_block),
        cmocka_unit_test(losses_are_told_in_text),
        cmocka_unit_test(losses_are_told_in_json),
        cmocka_unit_test(a_reader_that_is_gone),
        cmocka_unit_test(a_reader_that_has_stopped),
        cmocka_unit_test(without_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
