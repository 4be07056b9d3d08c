/*
 * store/lease.h - inside of store/ only: one process at a time in a data folder.
 *
 * A lock on the file "lease" of the folder, which the system takes back when the process ends,
 * however it ends. What is written in the file tells the next one how the last one ended.
 */
#ifndef VE_STORE_LEASE_H
#define VE_STORE_LEASE_H

#include <stdbool.h>
#include <stddef.h>

struct ve_lease {
    int fd;       /* owned; -1 while it is not held */
    bool unclean; /* the last holder did not release it */
    bool damaged; /* the last holder, or this one, found the database damaged */
};

/* Makes the folder (0700, with the folders above it) and takes its lease. VE_EBUSY when another
 * holds it; VE_EIO. `why` then says it in one line. */
int ve_lease_take(struct ve_lease *lease, const char *dir, char *why, size_t size);
/* Notes for the next holder whether the database must be looked at. */
void ve_lease_note(struct ve_lease *lease, bool damaged);
/* `clean`: the database was closed in order, the next holder need not look at it. Harmless when it
 * is not held. */
void ve_lease_release(struct ve_lease *lease, bool clean);

#endif
