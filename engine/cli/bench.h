/*
 * cli/bench.h - inside of the verb `bench`: a load generator, the processes it loads, and a bare
 * peer to compare with.
 *
 * Everything runs on loopback. The server under load is a process of its own, pinned to one
 * processor; the generator runs on another. CPU is the whole process's, every thread counted.
 */
#ifndef VE_CLI_BENCH_H
#define VE_CLI_BENCH_H

#include "base/buf.h"

#include <sys/types.h>

/* --- a process under load (cli/bench_server.c) ------------------------------------------------ */

struct ve_bench_server {
    pid_t pid;
    uint16_t port;      /* media port */
    uint16_t http_port; /* 0 for the peer */
    char token[72];
    char dir[64]; /* temporary, removed at the end; empty for the peer */
};

/* `voiceengine run` with a script's text, on processor `cpu`; settings are "NAME=value" texts. */
int ve_bench_engine(struct ve_bench_server *out, const char *script, const char *const *settings,
                    int cpu, char why[static 160]);
/* The bare loop: epoll and speexdsp, nothing else (cli/bench_peer.c). */
int ve_bench_peer(struct ve_bench_server *out, uint32_t rate_in, uint32_t rate_out, int cpu,
                  char why[static 160]);
void ve_bench_stop(struct ve_bench_server *server);
/* Seconds of CPU that the process has used; bytes of memory that it has resident. */
double ve_bench_cpu(const struct ve_bench_server *server);
uint64_t ve_bench_memory(const struct ve_bench_server *server);

/* Serves until it is killed; writes its port to `ready_fd`. Never returns. */
void ve_bench_peer_main(int ready_fd, uint32_t rate_in, uint32_t rate_out);

/* --- the load (cli/bench_load.c) -------------------------------------------------------------- */

struct ve_bench_load_options {
    uint16_t port;
    const char *token;
    unsigned connections;
    uint32_t rate;     /* Hz of the L16 frames that are sent, 20 ms each */
    double warmup;     /* seconds, not counted */
    double seconds;    /* counted */
    uint64_t first_id; /* call ids count from here */
    double talk;       /* share of the time in which the caller speaks; 1 = always a tone */
    int cpu;           /* processor of the generator, -1 = any */
    /* Called when the counted time begins and ends, to read the server's clocks. May be NULL. */
    void (*mark)(void *arg, bool end);
    void *arg;
};

struct ve_bench_load_result {
    uint64_t sent;     /* frames, in the counted time */
    uint64_t received; /* messages */
    uint64_t late;     /* gaps between messages of a connection of more than 40 ms */
    uint64_t lost;     /* connections that were closed */
    double behind;     /* ms, the generator's own worst delay in sending */
    double gap_p50, gap_p99, gap_p999; /* ms between messages */
};

int ve_bench_load(const struct ve_bench_load_options *options, struct ve_bench_load_result *out,
                  char why[static 160]);

/* --- the benchmarks --------------------------------------------------------------------------- */
int ve_bench_echo(int argc, char **argv);

#endif
