/*
 * loop/usage.h - what this process uses of the machine, as the kernel counts it.
 *
 * Reads /proc, which never waits for a disk. What cannot be read is 0.
 */
#ifndef VE_LOOP_USAGE_H
#define VE_LOOP_USAGE_H

#include <stdint.h>

struct ve_usage {
    double cpu_s;      /* user and system, all threads */
    uint64_t resident; /* bytes */
    uint64_t virtual_bytes;
    uint32_t descriptors;
    uint64_t descriptors_max;
    double started_s; /* seconds since 1970 */
};

void ve_usage_read(struct ve_usage *usage);

#endif
