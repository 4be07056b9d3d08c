#include "script/sources.h"

#include "base/alloc.h"
#include "base/err.h"
#include "base/map.h"
#include "script/generation.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct source {
    struct ve_link link;
    char name[256];
    struct ve_buf text;
};

int ve_sources_init(struct ve_sources *sources, const char *dir)
{
    *sources = (struct ve_sources){.count = 0};
    ve_link_init(&sources->files);
    return ve_str_copy(sources->dir, sizeof(sources->dir), ve_str(dir)) ? 0 : VE_ETOOBIG;
}

void ve_sources_free(struct ve_sources *sources)
{
    VE_LIST_EACH(&sources->files, it)
    {
        struct source *source = VE_CONTAINER(it, struct source, link);
        ve_buf_free(&source->text);
        ve_free(source);
    }
    ve_link_init(&sources->files);
}

static struct source *find(const struct ve_sources *sources, const char *file)
{
    VE_LIST_EACH(&sources->files, it)
    {
        struct source *source = VE_CONTAINER(it, struct source, link);
        if (strcmp(source->name, file) == 0)
            return source;
    }
    return NULL;
}

int ve_sources_add(struct ve_sources *sources, const char *file, struct ve_str text)
{
    if (sources->count >= VE_SOURCE_FILES_MAX || text.len > VE_SOURCES_MAX - sources->bytes)
        return VE_ETOOBIG;
    struct source *source = ve_alloc(sizeof(*source));
    if (!source)
        return VE_ENOMEM;
    ve_buf_init(&source->text, 0);
    if (!ve_str_copy(source->name, sizeof(source->name), ve_str(file)) ||
        ve_buf_add_str(&source->text, text) != 0) {
        ve_buf_free(&source->text);
        ve_free(source);
        return VE_ENOMEM;
    }
    ve_list_push(&sources->files, &source->link);
    sources->bytes += text.len;
    sources->count++;
    return 0;
}

/* Does the path, links resolved, still lie in the folder? */
static bool is_inside(const char *dir, const char *path)
{
    char real_dir[PATH_MAX];
    char real_path[PATH_MAX];
    if (!realpath(dir, real_dir) || !realpath(path, real_path))
        return false;
    size_t len = strlen(real_dir);
    return strncmp(real_dir, real_path, len) == 0 && real_path[len] == '/';
}

static int read_all(int fd, struct ve_buf *out)
{
    struct stat st;
    if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode))
        return VE_ENOENT;
    for (;;) {
        int err = ve_buf_reserve(out, 16384);
        if (err)
            return err;
        ssize_t n = read(fd, out->ptr + out->len, 16384);
        if (n < 0)
            return VE_EIO;
        if (n == 0)
            return 0;
        out->len += (size_t)n;
    }
}

static int read_file(const struct ve_sources *sources, const char *file, struct ve_buf *out)
{
    char path[PATH_MAX];
    int n = snprintf(path, sizeof(path), "%s/%s", sources->dir, file);
    if (n < 0 || n >= (int)sizeof(path))
        return VE_ETOOBIG;
    if (!is_inside(sources->dir, path))
        return VE_ENOENT;
    /* A pipe of that name must not be waited for; read_all refuses what is no file. */
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return VE_ENOENT;
    int err = read_all(fd, out);
    close(fd);
    return err;
}

int ve_sources_get(struct ve_sources *sources, const char *file, struct ve_str *text)
{
    struct source *source = find(sources, file);
    if (!source) {
        struct ve_buf buf;
        if (sources->sealed)
            return VE_ENOENT;
        ve_buf_init(&buf, VE_SOURCES_MAX);
        int err = read_file(sources, file, &buf);
        if (!err)
            err = ve_sources_add(sources, file, ve_buf_str(&buf));
        ve_buf_free(&buf);
        if (err)
            return err;
        source = find(sources, file);
    }
    *text = ve_buf_str(&source->text);
    if (!text->ptr)
        *text = VE_STR("");
    return 0;
}

struct ve_str ve_sources_line(const struct ve_sources *sources, const char *file, int line)
{
    const struct source *source = find(sources, file);
    struct ve_str rest = source ? ve_buf_str(&source->text) : VE_STR("");
    for (int i = 1; i < line && rest.ptr; i++)
        (void)ve_str_cut(&rest, '\n');
    return rest.ptr && line > 0 ? ve_str_trim(ve_str_cut(&rest, '\n')) : VE_STR("");
}

uint64_t ve_sources_hash(const struct ve_sources *sources)
{
    static const uint64_t seed[2] = {0x766f696365656e67u, 0x696e652d736f7572u};
    uint64_t hash = 0;
    VE_LIST_EACH(&sources->files, it)
    {
        const struct source *source = VE_CONTAINER(it, struct source, link);
        /* Order does not count: files are read in the order of `require`. */
        hash += ve_siphash(seed, ve_str(source->name)) ^
                ve_siphash(seed, ve_buf_str(&source->text)) * 3;
    }
    return hash;
}
