#include "cli/settings.h"

#include "alloc_fail.h"
#include "base/err.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#define SECRET "0123456789abcdef"

/* An environment of its own, and a folder for files. */
struct rig {
    const char *names[8];
    const char *values[8];
    size_t count;
    char dir[64];
    char env_file[96];
    struct ve_settings settings;
    struct ve_setting_error error;
};

static const char *get(void *arg, const char *name)
{
    const struct rig *rig = arg;
    for (size_t i = 0; i < rig->count; i++) {
        if (strcmp(rig->names[i], name) == 0)
            return rig->values[i];
    }
    return NULL;
}

static void rig_open(struct rig *rig)
{
    memset(rig, 0, sizeof(*rig));
    (void)snprintf(rig->dir, sizeof(rig->dir), "/tmp/ve-settings-XXXXXX");
    assert_non_null(mkdtemp(rig->dir));
    (void)snprintf(rig->env_file, sizeof(rig->env_file), "%s/.env", rig->dir);
}

static void rig_close(struct rig *rig)
{
    (void)unlink(rig->env_file);
    assert_int_equal(rmdir(rig->dir), 0);
}

static void set(struct rig *rig, const char *name, const char *value)
{
    assert_true(rig->count < 8);
    rig->names[rig->count] = name;
    rig->values[rig->count++] = value;
}

static void write_file(const char *path, const char *text, size_t len)
{
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(text, 1, len, file), len);
    assert_int_equal(fclose(file), 0);
}

static void write_env(struct rig *rig, const char *text)
{
    write_file(rig->env_file, text, strlen(text));
}

static int load(struct rig *rig)
{
    struct ve_setting_source source = {get, rig, rig->env_file};
    return ve_settings_load(&rig->settings, &source, &rig->error);
}

static void expect_loaded(struct rig *rig)
{
    if (load(rig) != 0)
        fail_msg("%s (%s): %s", rig->error.what, rig->error.where, rig->error.fix);
}

static void expect_refused(struct rig *rig, const char *what, const char *where, const char *fix)
{
    assert_int_equal(load(rig), VE_EINVAL);
    assert_string_equal(rig->error.what, what);
    assert_string_equal(rig->error.where, where);
    assert_string_equal(rig->error.fix, fix);
}

static void nothing_set_gives_the_defaults(void **state)
{
    (void)state;
    struct rig rig;
    rig_open(&rig);
    expect_loaded(&rig);
    const struct ve_settings *s = &rig.settings;
    assert_string_equal(s->http_host, "127.0.0.1");
    assert_int_equal(s->http_port, 8000);
    assert_string_equal(s->media_host, "127.0.0.1");
    assert_int_equal(s->media_port, 8001);
    assert_string_equal(s->data_dir, "./.voiceengine");
    assert_int_equal(s->log_format, VE_LOG_TEXT);
    assert_int_equal(s->log_level, VE_LOG_INFO);
    assert_int_equal(s->max_calls, 1000);
    assert_int_equal(s->max_connections_per_ip, 1000);
    assert_int_equal(s->stream_rate, 16000);
    assert_int_equal(s->stream_chunk_bytes, 4096);
    assert_false(s->media_unknown_refuse);
    assert_string_equal(s->secrets.webhook, "");
    assert_string_equal(s->secrets.stream_token, "");
    assert_string_equal(s->tokens.operate, "");
    assert_string_equal(s->tls_cert, "");
    rig_close(&rig);
}

static void every_kind_of_value_is_taken(void **state)
{
    (void)state;
    struct rig rig;
    rig_open(&rig);
    set(&rig, "VE_HTTP_HOST", "::");
    set(&rig, "VE_LOG", "json");
    set(&rig, "VE_LOG_LEVEL", "error");
    set(&rig, "VE_STREAM_RATE", "24000");
    set(&rig, "VE_MEDIA_UNKNOWN", "refuse");
    write_env(&rig, "VE_HTTP_PORT=0\nRINGOVER_WEBSOCKET_PORT=65535\nVE_MAX_CALLS=1\n"
                    "RINGOVER_WEBHOOK_SECRET=" SECRET "\nVE_STREAM_CHUNK_BYTES=16384 # most\n"
                    "RINGOVER_WEBSOCKET_HOST=localhost\n");
    expect_loaded(&rig);
    const struct ve_settings *s = &rig.settings;
    assert_string_equal(s->http_host, "::");
    assert_string_equal(s->media_host, "localhost");
    assert_int_equal(s->http_port, 0);
    assert_int_equal(s->media_port, 65535);
    assert_int_equal(s->max_calls, 1);
    assert_int_equal(s->log_format, VE_LOG_JSON);
    assert_int_equal(s->log_level, VE_LOG_ERROR);
    assert_int_equal(s->stream_rate, 24000);
    assert_int_equal(s->stream_chunk_bytes, 16384);
    assert_true(s->media_unknown_refuse);
    assert_string_equal(s->secrets.webhook, SECRET);
    rig_close(&rig);
}

static void the_environment_wins(void **state)
{
    (void)state;
    struct rig rig;
    rig_open(&rig);
    set(&rig, "VE_HTTP_PORT", "9000");
    set(&rig, "VE_MAX_CALLS", ""); /* nothing: not the file's either */
    write_env(&rig, "VE_HTTP_PORT=9001\nVE_MAX_CALLS=5\n");
    expect_loaded(&rig);
    assert_int_equal(rig.settings.http_port, 9000);
    assert_int_equal(rig.settings.max_calls, 1000);
    rig_close(&rig);
}

static void a_bad_value_says_what_where_and_what_to_do(void **state)
{
    (void)state;
    static const struct {
        const char *name, *value, *what, *fix;
    } cases[] = {
        {"VE_HTTP_PORT", "65536", "VE_HTTP_PORT: \"65536\" is not allowed",
         "use a whole number from 0 to 65535"},
        {"VE_HTTP_PORT", "80x", "VE_HTTP_PORT: \"80x\" is not allowed",
         "use a whole number from 0 to 65535"},
        {"RINGOVER_WEBSOCKET_PORT", "-1", "RINGOVER_WEBSOCKET_PORT: \"-1\" is not allowed",
         "use a whole number from 0 to 65535"},
        {"VE_MAX_CALLS", "0", "VE_MAX_CALLS: \"0\" is not allowed",
         "use a whole number from 1 to 100000"},
        {"VE_MAX_CALLS", "1e3", "VE_MAX_CALLS: \"1e3\" is not allowed",
         "use a whole number from 1 to 100000"},
        {"VE_MAX_CONNECTIONS_PER_IP", "99999999999999999999999",
         "VE_MAX_CONNECTIONS_PER_IP: \"99999999999999999999999\" is not allowed",
         "use a whole number from 1 to 100000"},
        {"VE_STREAM_CHUNK_BYTES", "319", "VE_STREAM_CHUNK_BYTES: \"319\" is not allowed",
         "use a whole number from 320 to 16384"},
        {"VE_STREAM_RATE", "44100", "VE_STREAM_RATE: \"44100\" is not allowed",
         "use one of 8000, 16000, 24000"},
        {"VE_LOG", "xml", "VE_LOG: \"xml\" is not allowed", "use one of text, json"},
        {"VE_LOG_LEVEL", "Debug", "VE_LOG_LEVEL: \"Debug\" is not allowed",
         "use one of debug, info, warn, error"},
        {"VE_MEDIA_UNKNOWN", "no", "VE_MEDIA_UNKNOWN: \"no\" is not allowed",
         "use one of accept, refuse"},
        {"VE_HTTP_HOST", "127.example.com", "VE_HTTP_HOST: \"127.example.com\" is not allowed",
         "use an IPv4 or IPv6 address, or localhost"},
        {"RINGOVER_WEBSOCKET_HOST", "0", "RINGOVER_WEBSOCKET_HOST: \"0\" is not allowed",
         "use an IPv4 or IPv6 address, or localhost"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct rig rig;
        char where[128];
        char line[256];
        rig_open(&rig);
        (void)snprintf(line, sizeof(line), "# comment\n%s=%s\n", cases[i].name, cases[i].value);
        (void)snprintf(where, sizeof(where), "%s, line 2", rig.env_file);
        write_env(&rig, line);
        expect_refused(&rig, cases[i].what, where, cases[i].fix);
        set(&rig, cases[i].name, cases[i].value);
        expect_refused(&rig, cases[i].what, "in the environment", cases[i].fix);
        rig_close(&rig);
    }
}

static void endless_values_are_refused_and_cut(void **state)
{
    (void)state;
    static const char *const names[] = {"VE_HTTP_PORT", "VE_DATA_DIR", "VE_LOG", "VE_HTTP_HOST",
                                        "RINGOVER_WEBHOOK_SECRET"};
    char value[2000];
    memset(value, 'x', sizeof(value));
    for (size_t len = 600; len < sizeof(value); len += 1399) {
        value[len] = '\0';
        for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
            struct rig rig;
            rig_open(&rig);
            set(&rig, names[i], value);
            assert_int_equal(load(&rig), VE_EINVAL);
            assert_non_null(strstr(rig.error.what, names[i]));
            assert_true(strstr(rig.error.what, "is not allowed") ||
                        strstr(rig.error.what, "the value is too long"));
            assert_true(rig.error.fix[0] != '\0');
            rig_close(&rig);
        }
    }
}

static void a_line_that_cannot_be_read_is_refused(void **state)
{
    (void)state;
    struct rig rig;
    char where[128];
    rig_open(&rig);
    (void)snprintf(where, sizeof(where), "%s, line 1", rig.env_file);
    write_env(&rig, "RINGOVER_WEBHOOK_SECRET=\"" SECRET "\n");
    expect_refused(&rig, "RINGOVER_WEBHOOK_SECRET: the line cannot be read", where,
                   "write NAME=value or NAME=\"value\"");
    rig_close(&rig);
}

static void a_settings_file_that_cannot_be_read_is_refused(void **state)
{
    (void)state;
    struct rig rig;
    rig_open(&rig);
    /* a folder of that name */
    assert_int_equal(mkdir(rig.env_file, 0700), 0);
    assert_int_equal(load(&rig), VE_EINVAL);
    assert_string_equal(rig.error.where, rig.env_file);
    assert_non_null(strstr(rig.error.what, "cannot be read (io)"));
    assert_int_equal(rmdir(rig.env_file), 0);
    /* exactly 64 KiB, and one byte more */
    char *text = calloc(1, 65538);
    assert_non_null(text);
    memset(text, '#', 65537);
    write_file(rig.env_file, text, 65536);
    expect_loaded(&rig);
    write_file(rig.env_file, text, 65537);
    assert_int_equal(load(&rig), VE_EINVAL);
    assert_string_equal(rig.error.fix, "make it readable, at most 64 KiB");
    free(text);
    rig_close(&rig);
}

static void sample_values_count_as_unset(void **state)
{
    (void)state;
    static const char *const samples[] = {"your_secret_goes_here", "your-secret-here", "changeme",
                                          "changeme123",           "1234567",          ""};
    for (size_t i = 0; i < sizeof(samples) / sizeof(samples[0]); i++) {
        struct rig rig;
        rig_open(&rig);
        set(&rig, "RINGOVER_WEBHOOK_SECRET", samples[i]);
        set(&rig, "VE_API_TOKEN", samples[i]);
        expect_loaded(&rig);
        assert_string_equal(rig.settings.secrets.webhook, "");
        assert_string_equal(rig.settings.tokens.operate, "");
        rig_close(&rig);
    }
    struct rig rig;
    rig_open(&rig);
    set(&rig, "RINGOVER_WEBHOOK_SECRET", "12345678"); /* eight are enough */
    expect_loaded(&rig);
    assert_string_equal(rig.settings.secrets.webhook, "12345678");
    rig_close(&rig);
}

static void a_secret_may_come_from_a_file(void **state)
{
    (void)state;
    struct rig rig;
    char path[96];
    char line[160];
    rig_open(&rig);
    (void)snprintf(path, sizeof(path), "%s/token", rig.dir);
    write_file(path, SECRET "\n", sizeof(SECRET));
    set(&rig, "RINGOVER_STREAMER_AUTH_TOKEN_FILE", path);
    (void)snprintf(line, sizeof(line),
                   "RINGOVER_WEBHOOK_SECRET=changeme\n"
                   "RINGOVER_WEBHOOK_SECRET_FILE=%s\n",
                   path);
    write_env(&rig, line);
    expect_loaded(&rig);
    assert_string_equal(rig.settings.secrets.stream_token, SECRET);
    assert_string_equal(rig.settings.secrets.webhook, SECRET); /* a sample gives way to the file */
    /* what is set directly wins over the file */
    set(&rig, "RINGOVER_STREAMER_AUTH_TOKEN", "another-secret");
    expect_loaded(&rig);
    assert_string_equal(rig.settings.secrets.stream_token, "another-secret");
    assert_int_equal(unlink(path), 0);
    rig_close(&rig);
}

static void a_secret_file_that_is_no_use_is_refused_without_its_text(void **state)
{
    (void)state;
    struct rig rig;
    char path[96];
    char endless[1025];
    rig_open(&rig);
    (void)snprintf(path, sizeof(path), "%s/token", rig.dir);
    set(&rig, "VE_API_TOKEN_FILE", path);
    expect_refused(&rig, "VE_API_TOKEN_FILE: the file cannot be read (not_found)",
                   "in the environment", "check the path, its permissions and what it holds");
    write_file(path, "secret\0secret", 13);
    expect_refused(&rig, "VE_API_TOKEN_FILE: the file cannot be read (bad_format)",
                   "in the environment", "check the path, its permissions and what it holds");
    memset(endless, 'x', sizeof(endless));
    write_file(path, endless, sizeof(endless));
    expect_refused(&rig, "VE_API_TOKEN_FILE: the file cannot be read (too_big)",
                   "in the environment", "check the path, its permissions and what it holds");
    write_file(path, endless, 300); /* more than a secret may have */
    assert_int_equal(load(&rig), VE_EINVAL);
    assert_string_equal(rig.error.what, "VE_API_TOKEN: the value is too long");
    assert_string_equal(rig.error.where, path);
    assert_null(strstr(rig.error.fix, "xxx"));
    write_file(path, "changeme\n", 9); /* a sample there is none either */
    expect_loaded(&rig);
    assert_string_equal(rig.settings.tokens.operate, "");
    assert_int_equal(unlink(path), 0);
    rig_close(&rig);
}

static void only_secrets_come_from_files(void **state)
{
    (void)state;
    struct rig rig;
    rig_open(&rig);
    set(&rig, "VE_HTTP_PORT_FILE", "/does/not/exist");
    expect_loaded(&rig);
    assert_int_equal(rig.settings.http_port, 8000);
    rig_close(&rig);
}

static void a_certificate_needs_its_key(void **state)
{
    (void)state;
    struct rig rig;
    rig_open(&rig);
    set(&rig, "VE_TLS_CERT", "/a.pem");
    expect_refused(&rig, "TLS needs a certificate and its key", "VE_TLS_CERT, VE_TLS_KEY",
                   "set both, or neither");
    set(&rig, "VE_TLS_KEY", "/a.key");
    expect_loaded(&rig);
    rig_close(&rig);
}

static void every_setting_describes_itself(void **state)
{
    (void)state;
    const char *name, *fallback, *purpose;
    size_t count = 0;
    for (; ve_setting_describe(count, &name, &fallback, &purpose); count++) {
        assert_true(strlen(name) > 3 && strlen(purpose) > 3);
        assert_non_null(fallback);
    }
    assert_in_range(count, 20, 200);
}

static void wiping_leaves_no_secret(void **state)
{
    (void)state;
    struct rig rig;
    rig_open(&rig);
    set(&rig, "RINGOVER_WEBHOOK_SECRET", SECRET);
    set(&rig, "RINGOVER_STREAMER_AUTH_TOKEN", SECRET);
    set(&rig, "VE_API_TOKEN", SECRET);
    set(&rig, "OPENAI_API_KEY", SECRET);
    set(&rig, "ELEVENLABS_API_KEY", SECRET);
    expect_loaded(&rig);
    ve_settings_wipe(&rig.settings);
    assert_null(memmem(&rig.settings, sizeof(rig.settings), SECRET, strlen(SECRET)));
    rig_close(&rig);
}

static int load_once(void *arg)
{
    int err = load(arg);
    return err;
}

static void without_memory_the_file_is_not_passed_over(void **state)
{
    (void)state;
    struct rig rig;
    rig_open(&rig);
    write_env(&rig, "VE_HTTP_PORT=9001\n");
    assert_true(test_alloc_sweep(load_once, &rig) > 0);
    assert_int_equal(rig.settings.http_port, 9001);
    rig_close(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_set_gives_the_defaults),
        cmocka_unit_test(every_kind_of_value_is_taken),
        cmocka_unit_test(the_environment_wins),
        cmocka_unit_test(a_bad_value_says_what_where_and_what_to_do),
        cmocka_unit_test(endless_values_are_refused_and_cut),
        cmocka_unit_test(a_line_that_cannot_be_read_is_refused),
        cmocka_unit_test(a_settings_file_that_cannot_be_read_is_refused),
        cmocka_unit_test(sample_values_count_as_unset),
        cmocka_unit_test(a_secret_may_come_from_a_file),
        cmocka_unit_test(a_secret_file_that_is_no_use_is_refused_without_its_text),
        cmocka_unit_test(only_secrets_come_from_files),
        cmocka_unit_test(a_certificate_needs_its_key),
        cmocka_unit_test(every_setting_describes_itself),
        cmocka_unit_test(wiping_leaves_no_secret),
        cmocka_unit_test(without_memory_the_file_is_not_passed_over),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
