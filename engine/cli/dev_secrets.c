#include "cli/settings.h"

#include "base/err.h"
#include "crypto/equal.h"
#include "crypto/random.h"
#include "net/address.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* On a developer's machine there are no secrets yet: the engine makes its own, keeps them where
 * `call` and `webhook` find them, and says so. Never on an address that others can reach. */

static bool is_loopback(const char *host)
{
    return strcmp(host, "localhost") == 0 || ve_address_is_loopback(ve_str(host));
}

static int refuse(struct ve_setting_error *error, const char *name, const char *host)
{
    (void)snprintf(error->what, sizeof(error->what),
                   "%s is not set, and %s can be reached from outside", name, host);
    (void)snprintf(error->where, sizeof(error->where), "environment or .env");
    (void)snprintf(error->fix, sizeof(error->fix),
                   "set %s to a secret of at least 8 characters (sample values do not count), or "
                   "listen on 127.0.0.1",
                   name);
    return VE_EINVAL;
}

static int fail_file(struct ve_setting_error *error, const char *path)
{
    (void)snprintf(error->what, sizeof(error->what), "%s cannot be written: %s", path,
                   strerror(errno));
    (void)snprintf(error->where, sizeof(error->where), "VE_DATA_DIR");
    (void)snprintf(error->fix, sizeof(error->fix), "point VE_DATA_DIR to a folder you can write");
    return VE_EIO;
}

static int make_folder(const char *path, struct ve_setting_error *error)
{
    char part[512];
    for (size_t i = 1; path[i - 1]; i++) {
        if (path[i] != '/' && path[i] != '\0')
            continue;
        if (!ve_str_copy(part, sizeof(part), ve_str_n(path, i)))
            return fail_file(error, path);
        if (mkdir(part, 0700) != 0 && errno != EEXIST)
            return fail_file(error, part);
    }
    return 0;
}

static int write_all(int fd, const char *text, size_t len)
{
    while (len) {
        ssize_t n = write(fd, text, len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return VE_EIO;
        text += n;
        len -= (size_t)n;
    }
    return fsync(fd) == 0 ? 0 : VE_EIO;
}

/* The file is written under a name of its own, then linked to the one that counts: an engine that
 * is killed here, or two that start at once, never leave half a file to the next. */
static int write_dev_env(const char *path, struct ve_setting_error *error)
{
    char webhook[65];
    char token[65];
    char nonce[17];
    char text[400];
    char own[600];
    if (access(path, F_OK) == 0)
        return 0;
    if (ve_random_hex(webhook, 32) != 0 || ve_random_hex(token, 32) != 0 ||
        ve_random_hex(nonce, 8) != 0)
        return fail_file(error, path);
    (void)snprintf(own, sizeof(own), "%s.%s", path, nonce);
    int n = snprintf(text, sizeof(text),
                     "# Made by voiceengine for development on this machine. Not for production.\n"
                     "RINGOVER_WEBHOOK_SECRET=%s\nRINGOVER_STREAMER_AUTH_TOKEN=%s\n",
                     webhook, token);
    int fd = open(own, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0)
        return fail_file(error, path);
    int err = write_all(fd, text, (size_t)n);
    if (close(fd) != 0)
        err = VE_EIO;
    if (!err && link(own, path) != 0 && errno != EEXIST)
        err = VE_EIO;
    if (err)
        err = fail_file(error, path);
    (void)unlink(own);
    ve_secret_wipe(webhook, sizeof(webhook));
    ve_secret_wipe(token, sizeof(token));
    ve_secret_wipe(text, sizeof(text));
    return err;
}

static int fail_empty(struct ve_setting_error *error, const char *path)
{
    (void)snprintf(error->what, sizeof(error->what), "%.180s holds no usable secret", path);
    (void)snprintf(error->where, sizeof(error->where), "VE_DATA_DIR");
    (void)snprintf(error->fix, sizeof(error->fix),
                   "remove the file, and the engine makes a new one");
    return VE_EINVAL;
}

static const char *nothing(void *arg, const char *name)
{
    (void)arg;
    (void)name;
    return NULL;
}

int ve_settings_complete(struct ve_settings *settings, bool *made, struct ve_setting_error *error)
{
    char path[560];
    struct ve_settings dev;
    bool webhook = settings->secrets.webhook[0] != '\0';
    bool token = settings->secrets.stream_token[0] != '\0';
    *made = false;
    if (!webhook && !is_loopback(settings->http_host))
        return refuse(error, "RINGOVER_WEBHOOK_SECRET", settings->http_host);
    if (!token && !is_loopback(settings->media_host))
        return refuse(error, "RINGOVER_STREAMER_AUTH_TOKEN", settings->media_host);
    int err = make_folder(settings->data_dir, error);
    if (err || (webhook && token))
        return err;
    (void)snprintf(path, sizeof(path), "%s/dev.env", settings->data_dir);
    err = write_dev_env(path, error);
    struct ve_setting_source source = {nothing, NULL, path};
    if (!err)
        err = ve_settings_load(&dev, &source, error);
    if (err)
        return err;
    if (!dev.secrets.webhook[0] || !dev.secrets.stream_token[0]) {
        ve_settings_wipe(&dev);
        return fail_empty(error, path);
    }
    if (!webhook)
        memcpy(settings->secrets.webhook, dev.secrets.webhook, sizeof(dev.secrets.webhook));
    if (!token)
        memcpy(settings->secrets.stream_token, dev.secrets.stream_token,
               sizeof(dev.secrets.stream_token));
    ve_settings_wipe(&dev);
    *made = true;
    return 0;
}
