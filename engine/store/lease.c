#include "store/lease.h"

#include "base/err.h"
#include "base/str.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define NOTE_MAX 64 /* bytes of the file */

static int refuse(char *why, size_t size, const char *what, const char *dir)
{
    (void)snprintf(why, size, "the data folder %s %s: %s", dir, what, strerrordesc_np(errno));
    return VE_EIO;
}

/* Makes every folder on the way. */
static int make_folders(const char *dir)
{
    char path[PATH_MAX];
    if (!ve_str_copy(path, sizeof(path), ve_str(dir)))
        return ENAMETOOLONG;
    for (char *at = path + 1; *at; at++) {
        if (*at != '/')
            continue;
        *at = '\0';
        if (mkdir(path, 0700) != 0 && errno != EEXIST)
            return errno;
        *at = '/';
    }
    return mkdir(path, 0700) != 0 && errno != EEXIST ? errno : 0;
}

static struct ve_str read_note(int fd, char note[static NOTE_MAX])
{
    ssize_t len = pread(fd, note, NOTE_MAX, 0);
    return ve_str_trim(ve_str_n(note, len > 0 ? (size_t)len : 0));
}

static int write_note(int fd, bool damaged)
{
    char note[NOTE_MAX];
    int len =
        snprintf(note, sizeof(note), "pid %ld%s\n", (long)getpid(), damaged ? " damaged" : "");
    if (ftruncate(fd, 0) != 0 || pwrite(fd, note, (size_t)len, 0) != len)
        return VE_EIO;
    return fsync(fd) == 0 ? 0 : VE_EIO;
}

int ve_lease_take(struct ve_lease *lease, const char *dir, char *why, size_t size)
{
    char path[PATH_MAX];
    char note[NOTE_MAX];
    *lease = (struct ve_lease){.fd = -1};
    errno = make_folders(dir);
    if (errno)
        return refuse(why, size, "cannot be made", dir);
    errno = ENAMETOOLONG;
    if (snprintf(path, sizeof(path), "%s/lease", dir) >= (int)sizeof(path))
        return refuse(why, size, "cannot be used", dir);
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0)
        return refuse(why, size, "cannot be written to", dir);
    if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
        struct ve_str holder = read_note(fd, note);
        (void)snprintf(why, size, "the data folder %s is in use by another process (%.*s)", dir,
                       VE_STR_ARG(holder));
        (void)close(fd);
        return VE_EBUSY;
    }
    struct ve_str last = read_note(fd, note);
    lease->unclean = last.len > 0;
    lease->damaged = ve_str_ends(last, VE_STR("damaged"));
    if (write_note(fd, lease->damaged) != 0) {
        int err = refuse(why, size, "cannot be written to", dir);
        (void)close(fd);
        return err;
    }
    lease->fd = fd;
    return 0;
}

void ve_lease_note(struct ve_lease *lease, bool damaged)
{
    if (lease->fd >= 0 && lease->damaged != damaged && write_note(lease->fd, damaged) == 0)
        lease->damaged = damaged;
}

void ve_lease_release(struct ve_lease *lease, bool clean)
{
    if (lease->fd < 0)
        return;
    /* What stays in the file makes the next holder look. */
    if (clean && !lease->damaged && ftruncate(lease->fd, 0) != 0)
        (void)fsync(lease->fd);
    (void)close(lease->fd);
    lease->fd = -1;
}
