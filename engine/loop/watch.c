#include "loop/watch.h"

#include "base/alloc.h"
#include "base/err.h"
#include "base/list.h"
#include "base/str.h"
#include "loop/timer.h"

#include <dirent.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <uv.h>

#define FOLDERS_MAX  1024
#define DEPTH_MAX    8
#define LOST_LOOK_NS (250 * VE_MS)

struct folder {
    uv_fs_event_t event;
    struct ve_watch *watch; /* borrowed; NULL while closing */
    struct ve_link link;
    char path[PATH_MAX];
};

struct ve_watch {
    struct ve_loop *loop; /* borrowed */
    struct ve_timer quiet;
    uint64_t quiet_ns;
    void (*changed)(void *arg);
    void *arg;
    struct ve_link folders;
    unsigned count;
    char dir[PATH_MAX];
};

static void folder_closed(uv_handle_t *handle)
{
    ve_free(VE_CONTAINER(handle, struct folder, event));
}

static void close_folders(struct ve_link *folders)
{
    for (struct ve_link *it = ve_list_shift(folders); it; it = ve_list_shift(folders)) {
        struct folder *folder = VE_CONTAINER(it, struct folder, link);
        folder->watch = NULL;
        uv_close((uv_handle_t *)&folder->event, folder_closed);
    }
}

static bool matters(const struct folder *folder, const char *name)
{
    if (!name || ve_str_ends(ve_str(name), VE_STR(".lua")))
        return true;
    /* A folder's name has no ending; an editor's backup or swap file has another one. */
    if (!strchr(name, '.'))
        return true;
    /* The folder itself is reported under its own name when it goes. */
    return ve_str_ends(ve_str(folder->path), ve_str(name));
}

static void on_event(uv_fs_event_t *event, const char *name, int events, int status)
{
    struct folder *folder = VE_CONTAINER(event, struct folder, event);
    (void)events;
    if (!folder->watch || status != 0 || !matters(folder, name))
        return;
    ve_loop_step(folder->watch->loop);
    ve_timer_start(&folder->watch->quiet, folder->watch->quiet_ns);
}

static int add_folder(struct ve_watch *watch, const char *path)
{
    struct folder *folder = ve_alloc(sizeof(*folder));
    if (!folder)
        return VE_ENOMEM;
    folder->watch = watch;
    if (!ve_str_copy(folder->path, sizeof(folder->path), ve_str(path)) ||
        uv_fs_event_init(ve_loop_uv(watch->loop), &folder->event) != 0) {
        ve_free(folder);
        return VE_EIO;
    }
    if (uv_fs_event_start(&folder->event, on_event, path, 0) != 0) {
        folder->watch = NULL;
        uv_close((uv_handle_t *)&folder->event, folder_closed);
        return VE_EIO;
    }
    ve_list_push(&watch->folders, &folder->link);
    watch->count++;
    return 0;
}

static int add_tree(struct ve_watch *watch, const char *path, int depth)
{
    if (watch->count >= FOLDERS_MAX)
        return 0;
    int err = add_folder(watch, path);
    DIR *dir = !err && depth < DEPTH_MAX ? opendir(path) : NULL;
    if (!dir)
        return err;
    for (struct dirent *entry = readdir(dir); entry; entry = readdir(dir)) {
        char below[PATH_MAX];
        struct stat st;
        if (entry->d_name[0] == '.')
            continue;
        int n = snprintf(below, sizeof(below), "%s/%s", path, entry->d_name);
        /* lstat: a symbolic link is not followed, it might lead out or in circles */
        if (n < (int)sizeof(below) && lstat(below, &st) == 0 && S_ISDIR(st.st_mode))
            (void)add_tree(watch, below, depth + 1);
    }
    closedir(dir);
    return 0;
}

/* Watches the tree as it is now: folders may be new, gone, or others under the same name. The old
 * ones are closed last, so that no change slips through between. */
static int rescan(struct ve_watch *watch)
{
    struct ve_link old;
    ve_link_init(&old);
    for (struct ve_link *it = ve_list_shift(&watch->folders); it;
         it = ve_list_shift(&watch->folders))
        ve_list_push(&old, it);
    watch->count = 0;
    int err = add_tree(watch, watch->dir, 0);
    close_folders(&old);
    return err;
}

static void on_quiet(void *arg)
{
    struct ve_watch *watch = arg;
    if (!ve_loop_is_sim(watch->loop) && rescan(watch) != 0) {
        /* The whole folder is being replaced: look again until it is back. */
        ve_timer_start(&watch->quiet, LOST_LOOK_NS);
        return;
    }
    watch->changed(watch->arg);
}

int ve_watch_new(struct ve_watch **out, struct ve_loop *loop, const char *dir, uint64_t quiet_ns,
                 void (*changed)(void *arg), void *arg)
{
    struct ve_watch *watch = ve_alloc(sizeof(*watch));
    if (!watch)
        return VE_ENOMEM;
    watch->loop = loop;
    watch->quiet_ns = quiet_ns;
    watch->changed = changed;
    watch->arg = arg;
    ve_link_init(&watch->folders);
    ve_timer_init(&watch->quiet, loop, on_quiet, watch);
    int err = ve_str_copy(watch->dir, sizeof(watch->dir), ve_str(dir)) ? 0 : VE_ETOOBIG;
    if (!err && !ve_loop_is_sim(loop))
        err = add_tree(watch, dir, 0);
    if (err) {
        ve_watch_free(watch);
        return err;
    }
    *out = watch;
    return 0;
}

void ve_watch_touch(struct ve_watch *watch)
{
    ve_timer_start(&watch->quiet, watch->quiet_ns);
}

unsigned ve_watch_folders(const struct ve_watch *watch)
{
    return watch->count;
}

void ve_watch_free(struct ve_watch *watch)
{
    if (!watch)
        return;
    ve_timer_stop(&watch->quiet);
    close_folders(&watch->folders);
    ve_free(watch);
}
