/*
 * store/usage.h - inside of store/ only: how much of each kind a tenant has.
 *
 * Kept in the same transaction as the rows, so it is always right.
 */
#ifndef VE_STORE_USAGE_H
#define VE_STORE_USAGE_H

#include "store/db.h"

enum ve_usage { VE_USAGE_KV, VE_USAGE_FOLLOWUP, VE_USAGE_OUTBOX };

/* What a tenant may have; 0 is no bound. */
struct ve_usage_bound {
    uint64_t rows;
    uint64_t bytes;
};

/* 0, or VE_EBUSY when so much more would be above the bound. Changes nothing. */
int ve_usage_check(struct ve_db *db, struct ve_str tenant, enum ve_usage what, int64_t rows,
                   int64_t bytes, struct ve_usage_bound bound);
int ve_usage_add(struct ve_db *db, struct ve_str tenant, enum ve_usage what, int64_t rows,
                 int64_t bytes);

#endif
