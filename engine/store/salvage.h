/*
 * store/salvage.h - inside of store/ only: what can still be read of a damaged database.
 */
#ifndef VE_STORE_SALVAGE_H
#define VE_STORE_SALVAGE_H

#include "store/db.h"

/* Carries the readable rows of `from` into the empty database `to`, in one commit. VE_EPROTO when
 * no table can be read; an error of `to` is one of the disk. */
int ve_salvage(struct ve_db *from, struct ve_db *to, struct ve_store_report *report);

#endif
