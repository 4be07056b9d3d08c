#include "cli/bench.h"

#include "cli/engine.h"
#include "cli/verbs.h"

#include <string.h>

int ve_verb_bench(int argc, char **argv)
{
    const char *failed = "";
    if (ve_engine_process_init(&failed) != 0) {
        ve_complain(failed, "process start", NULL);
        return VE_EXIT_FAILED;
    }
    if (argc > 1 && strcmp(argv[1], "echo") == 0)
        return ve_bench_echo(argc - 1, argv + 1);
    return ve_usage("bench", "which one? echo");
}
