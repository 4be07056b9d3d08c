#include "cli/settings.h"

#include "base/err.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

struct rig {
    char dir[64];
    char path[96];
    struct ve_settings settings;
    struct ve_setting_error error;
    bool made;
};

/* As from ve_settings_load when nothing is set. */
static void rig_open(struct rig *rig)
{
    memset(rig, 0, sizeof(*rig));
    (void)snprintf(rig->dir, sizeof(rig->dir), "/tmp/ve-secrets-XXXXXX");
    assert_non_null(mkdtemp(rig->dir));
    (void)snprintf(rig->settings.data_dir, sizeof(rig->settings.data_dir), "%s/a/b", rig->dir);
    (void)snprintf(rig->path, sizeof(rig->path), "%s/a/b/dev.env", rig->dir);
    ve_str_copy(rig->settings.http_host, 64, VE_STR("127.0.0.1"));
    ve_str_copy(rig->settings.media_host, 64, VE_STR("::1"));
}

static void rig_close(struct rig *rig)
{
    char path[96];
    (void)unlink(rig->path);
    (void)rmdir(rig->settings.data_dir);
    (void)snprintf(path, sizeof(path), "%s/a", rig->dir);
    (void)rmdir(path);
    assert_int_equal(rmdir(rig->dir), 0);
}

static int complete(struct rig *rig)
{
    return ve_settings_complete(&rig->settings, &rig->made, &rig->error);
}

static unsigned files_in(const char *dir)
{
    DIR *folder = opendir(dir);
    unsigned count = 0;
    assert_non_null(folder);
    for (struct dirent *entry = readdir(folder); entry; entry = readdir(folder))
        count += entry->d_name[0] != '.';
    closedir(folder);
    return count;
}

static void forget(struct rig *rig)
{
    ve_settings_wipe(&rig->settings);
}

static void secrets_are_made_once_and_found_again(void **state)
{
    (void)state;
    struct rig rig;
    struct stat st;
    char webhook[VE_SECRET_MAX];
    rig_open(&rig);
    assert_int_equal(complete(&rig), 0);
    assert_true(rig.made);
    assert_int_equal(strlen(rig.settings.secrets.webhook), 64);
    assert_int_equal(strlen(rig.settings.secrets.stream_token), 64);
    assert_string_not_equal(rig.settings.secrets.webhook, rig.settings.secrets.stream_token);
    assert_int_equal(stat(rig.path, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0600);
    assert_int_equal(stat(rig.settings.data_dir, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0700);
    assert_int_equal(files_in(rig.settings.data_dir), 1); /* what it was written as is gone */
    ve_str_copy(webhook, sizeof(webhook), ve_str(rig.settings.secrets.webhook));
    forget(&rig);
    assert_int_equal(complete(&rig), 0);
    assert_string_equal(rig.settings.secrets.webhook, webhook);
    rig_close(&rig);
}

static void what_is_set_is_kept(void **state)
{
    (void)state;
    struct rig rig;
    rig_open(&rig);
    ve_str_copy(rig.settings.secrets.webhook, VE_SECRET_MAX, VE_STR("my-own-secret"));
    assert_int_equal(complete(&rig), 0);
    assert_true(rig.made);
    assert_string_equal(rig.settings.secrets.webhook, "my-own-secret");
    assert_int_equal(strlen(rig.settings.secrets.stream_token), 64);
    rig_close(&rig);
    rig_open(&rig);
    ve_str_copy(rig.settings.secrets.webhook, VE_SECRET_MAX, VE_STR("my-own-secret"));
    ve_str_copy(rig.settings.secrets.stream_token, VE_SECRET_MAX, VE_STR("my-own-token"));
    assert_int_equal(complete(&rig), 0);
    assert_false(rig.made);
    assert_int_equal(access(rig.path, F_OK), -1); /* none are needed, none are made */
    rig_close(&rig);
}

static void an_address_that_others_reach_needs_real_ones(void **state)
{
    (void)state;
    static const char *const hosts[] = {"0.0.0.0", "::", "192.0.2.1", "127.example.com", ""};
    for (size_t i = 0; i < sizeof(hosts) / sizeof(hosts[0]); i++) {
        struct rig rig;
        rig_open(&rig);
        ve_str_copy(rig.settings.http_host, 64, ve_str(hosts[i]));
        assert_int_equal(complete(&rig), VE_EINVAL);
        assert_non_null(strstr(rig.error.what, "RINGOVER_WEBHOOK_SECRET is not set"));
        assert_non_null(strstr(rig.error.fix, "RINGOVER_WEBHOOK_SECRET"));
        assert_int_equal(access(rig.settings.data_dir, F_OK), -1);
        ve_str_copy(rig.settings.secrets.webhook, VE_SECRET_MAX, VE_STR("my-own-secret"));
        assert_int_equal(complete(&rig), 0);
        ve_str_copy(rig.settings.media_host, 64, ve_str(hosts[i]));
        rig.settings.secrets.stream_token[0] = '\0';
        assert_int_equal(complete(&rig), VE_EINVAL);
        assert_non_null(strstr(rig.error.what, "RINGOVER_STREAMER_AUTH_TOKEN is not set"));
        rig_close(&rig);
    }
}

/* An engine of before was killed while it wrote, or somebody has edited the file. */
static void a_file_without_secrets_stops_the_start(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "", "RINGOVER_WEBHOOK_SECRET=0123456789abcdef\n",
        "RINGOVER_WEBHOOK_SECRET=a\nRINGOVER_STREAMER_AUTH_TOKEN=b"};
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        struct rig rig;
        rig_open(&rig);
        assert_int_equal(complete(&rig), 0);
        forget(&rig);
        FILE *file = fopen(rig.path, "w");
        assert_non_null(file);
        assert_true(fputs(texts[i], file) >= 0);
        assert_int_equal(fclose(file), 0);
        assert_int_equal(complete(&rig), VE_EINVAL);
        assert_non_null(strstr(rig.error.what, "holds no usable secret"));
        assert_non_null(strstr(rig.error.fix, "remove the file"));
        assert_int_equal(unlink(rig.path), 0);
        assert_int_equal(complete(&rig), 0);
        rig_close(&rig);
    }
}

static void a_folder_that_cannot_be_made_is_named(void **state)
{
    (void)state;
    struct rig rig;
    rig_open(&rig);
    (void)snprintf(rig.settings.data_dir, sizeof(rig.settings.data_dir), "%s/file/b", rig.dir);
    char path[96];
    (void)snprintf(path, sizeof(path), "%s/file", rig.dir);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(complete(&rig), VE_EIO);
    assert_non_null(strstr(rig.error.what, path));
    assert_string_equal(rig.error.where, "VE_DATA_DIR");
    assert_int_equal(unlink(path), 0);
    assert_int_equal(rmdir(rig.dir), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(secrets_are_made_once_and_found_again),
        cmocka_unit_test(what_is_set_is_kept),
        cmocka_unit_test(an_address_that_others_reach_needs_real_ones),
        cmocka_unit_test(a_file_without_secrets_stops_the_start),
        cmocka_unit_test(a_folder_that_cannot_be_made_is_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
