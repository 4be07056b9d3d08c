/*
 * cli/settings: a .env file of any text gives settings within their limits or a refusal that says
 * what, where and what to do.
 */
#include "base/err.h"
#include "cli/env_text.h"
#include "cli/settings.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool holds)
{
    if (!holds)
        abort();
}

/* A value lies on one line of the text. */
static void check_find(struct ve_str text, struct ve_str name)
{
    struct ve_str value = {NULL, 0};
    unsigned line = 0;
    int err = ve_env_find(text, name, &value, &line);
    check(err == 0 || err == VE_ENOENT || err == VE_EPROTO);
    check((err == VE_ENOENT) == (line == 0));
    if (err)
        return;
    check(value.ptr >= text.ptr && value.ptr + value.len <= text.ptr + text.len);
    check(ve_str_find(value, '\n') == SIZE_MAX && ve_str_find(value, '\0') == SIZE_MAX);
}

static void check_secret(const char *secret)
{
    check(memchr(secret, '\0', VE_SECRET_MAX) != NULL);
    check(!secret[0] || strlen(secret) >= 8);
}

static void check_settings(const struct ve_settings *s)
{
    check(s->max_calls >= 1 && s->max_calls <= 100000);
    check(s->stream_rate == 8000 || s->stream_rate == 16000 || s->stream_rate == 24000);
    check(s->stream_chunk_bytes >= 320 && s->stream_chunk_bytes <= 16384);
    check(s->log_format <= VE_LOG_JSON && s->log_level <= VE_LOG_ERROR);
    check(s->http_host[0] && memchr(s->http_host, '\0', sizeof(s->http_host)));
    check(s->data_dir[0] && memchr(s->data_dir, '\0', sizeof(s->data_dir)));
    check(!s->tls_cert[0] == !s->tls_key[0]);
    check_secret(s->secrets.webhook);
    check_secret(s->secrets.stream_token);
    check_secret(s->tokens.operate);
}

/* The file may not name other files: those of this machine would be read. */
static const char *no_files(void *arg, const char *name)
{
    (void)arg;
    return ve_str_ends(ve_str(name), VE_STR("_FILE")) ? "" : NULL;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char path[64];
    struct ve_settings settings;
    struct ve_setting_error error;
    struct ve_str text = ve_str_n((const char *)data, size);
    check_find(text, VE_STR("VE_HTTP_PORT"));
    check_find(text, VE_STR("A"));
    int fd = memfd_create("env", MFD_CLOEXEC);
    if (fd < 0 || write(fd, data, size) != (ssize_t)size)
        return 0;
    (void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    struct ve_setting_source source = {no_files, NULL, path};
    if (ve_settings_load(&settings, &source, &error) == 0)
        check_settings(&settings);
    else
        check(error.what[0] && error.where[0] && error.fix[0]);
    close(fd);
    return 0;
}
