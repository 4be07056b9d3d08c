/*
 * store/schema.h - inside of store/ only: the tables, their version, and the way to it.
 */
#ifndef VE_STORE_SCHEMA_H
#define VE_STORE_SCHEMA_H

#include "store/db.h"

/* In the header of the file ("veng"): an SQLite file without it is not ours. */
#define VE_SCHEMA_APPLICATION 0x76656e67

/* The n-th step leads from version n to n + 1. Steps are never changed, only added. */
struct ve_schema_steps {
    const char *const *sql; /* borrowed */
    int count;
};

struct ve_schema_steps ve_schema_steps(void);

/* Brings the file to the newest version, step by step, each in a commit. VE_ENOTSUP when it is of a
 * newer version, VE_EPROTO when it is not ours; *fresh tells that there was nothing in it. */
int ve_schema_apply(struct ve_db *db, struct ve_schema_steps steps, bool *fresh);
/* Recomputes all counts and usages from the tables. */
int ve_schema_recount(struct ve_db *db);

/* A table whose rows can be carried over one by one, for repair.c. */
struct ve_schema_table {
    const char *name;
    const char *columns;
    const char *order; /* the columns of its key */
};

#define VE_SCHEMA_TABLES 6

const struct ve_schema_table *ve_schema_tables(void);

#endif
