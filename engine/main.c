/*
 * voiceengine - a voice engine for telephone agents. The first argument names the verb; the rest is
 * cli/<verb>.c's.
 */
#include "cli/verbs.h"

#include <stdio.h>
#include <string.h>

int main(int argc, char **argv)
{
    if (argc < 2 || strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0)
        return ve_verb_help(1, argv);
    if (strcmp(argv[1], "--version") == 0)
        return ve_verb_version(1, argv);
    for (const struct ve_verb *verb = ve_verbs; verb->name; verb++) {
        if (strcmp(verb->name, argv[1]) != 0)
            continue;
        /* A verb is understood by its own help too: voiceengine run --help */
        for (int i = 2; i < argc; i++) {
            if (strcmp(argv[i], "--help") == 0)
                return ve_verb_help(2, argv);
        }
        return verb->run(argc - 1, argv + 1);
    }
    fprintf(stderr, "voiceengine: no verb \"%s\"\n  FIX   voiceengine help\n", argv[1]);
    return VE_EXIT_USAGE;
}
