/*
 * store/repair.h - inside of store/ only: from a folder to a database that can be relied on.
 */
#ifndef VE_STORE_REPAIR_H
#define VE_STORE_REPAIR_H

#include "store/db.h"
#include "store/lease.h"

/*
 * Opens <dir>/store.db, whose lease is held. After a crash SQLite takes over what its log file
 * holds; then the file is checked. A damaged one is kept aside and its readable rows are carried
 * into a new one. What cannot be read at all is refused. `now_ms` names the file that is kept.
 */
int ve_repair_open(struct ve_db *db, struct ve_lease *lease, const char *dir,
                   const struct ve_store_limits *limits, int64_t now_ms,
                   struct ve_store_report *report);
/* Likewise for a database in memory. */
int ve_repair_open_memory(struct ve_db *db, const struct ve_store_limits *limits,
                          struct ve_store_report *report);

#endif
