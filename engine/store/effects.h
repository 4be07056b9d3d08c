/*
 * store/effects.h - inside of store/ only: what the other tables' operations do to the outbox.
 */
#ifndef VE_STORE_EFFECTS_H
#define VE_STORE_EFFECTS_H

#include "store/db.h"

/* An entry that is done is kept this long for the news that will come of it. */
#define VE_EFFECTS_MATCH_MS ((int64_t)3600 * 1000)

/* The handler of an event or a follow-up will not run again: its entries that are done go. In a
 * transaction; fails only as the transaction does. */
int ve_effects_origin_over(struct ve_db *db, int64_t origin, int64_t now_ms);
/* Removes one entry. */
int ve_effects_delete(struct ve_db *db, int64_t id);

#endif
