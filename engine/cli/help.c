#include "cli/settings.h"
#include "cli/verbs.h"

#include <stdio.h>
#include <string.h>

struct topic {
    const char *verb;
    const char *text;
};

static const struct topic topics[] = {
    {"run",
     "Loads the script, opens the HTTP port (webhooks, API) and the media port, and serves calls\n"
     "until SIGTERM. A save of a script is what the next call runs; a script that does not load is\n"
     "refused and the one before stays. SIGHUP loads the scripts again. SIGTERM takes no new calls\n"
     "and ends after the last one, at most 30 s later; a second one ends at once.\n"
     "Settings are read from the environment and from .env: voiceengine help settings\n"},
    {"check",
     "Loads the script as `run` would and reports what is wrong with file and line. Exit code 0:\n"
     "the script is fine. --json: one line {\"ok\":...} on stdout.\n"},
    {"test",
     "Runs busted specs (*_spec.lua; default: tests/spec or spec) inside the engine on a virtual\n"
     "clock, without network. In a spec, `sim.call{ script = \"main.lua\" }` is a simulated caller.\n"
     "  -o NAME   busted's output handler (default: voiceengine's own, which ends with\n"
     "            \"N passed, N failed\")\n"
     "Other arguments go to busted.\n"},
    {"call",
     "A telephone: sends the signed webhooks, streams audio at real-time pace and plays what comes\n"
     "back.\n"
     "  --script FILE     starts an engine of its own on free ports with this script\n"
     "  --connect URL     calls a running engine: http://127.0.0.1:8000\n"
     "  --media URL       its media address, when it cannot be asked\n"
     "  --say TEXT        is spoken 300 ms after the agent falls silent (repeatable)\n"
     "  --wav FILE        is played instead\n"
     "  --digits KEYS     are pressed\n"
     "  --at SECONDS      the one before happens then, not when the agent is silent\n"
     "  --out FILE        both sides as a stereo WAV, caller left\n"
     "  --from, --to      telephone numbers\n"
     "  --voice NAME      rms (default) or slt\n"
     "  --json            one line on stdout: call_id, turns, outcome\n"
     "  --demo            a caller drawn from a seed (--seed N) who checks scripts/main.lua's\n"
     "                    answers and the gaps on the recording (--out, default demo.wav)\n"
     "After the last answer and 3 s of silence the caller hangs up. Without --say, --wav and\n"
     "--digits it is interactive: each line you type is spoken; an empty line or ^D hangs up.\n"},
    {"bench",
     "echo   CPU per 20 ms frame in and out at 100, 200, 400, 800 calls, beside a bare epoll and\n"
     "       speexdsp loop that does the same work\n"
     "         --calls 100,200   --seconds 4   --json\n"
     "Needs two free processors: one for the engine, one for the load.\n"},
    {"version", "With --json: one line on stdout.\n"},
};

static void print_settings(void)
{
    const char *name;
    const char *fallback;
    const char *purpose;
    printf("Settings, from the environment or .env (NAME_FILE reads a secret from a file):\n\n");
    for (size_t i = 0; ve_setting_describe(i, &name, &fallback, &purpose); i++)
        printf("  %-41s %s%s%s%s\n", name, purpose, fallback[0] ? " (" : "", fallback,
               fallback[0] ? ")" : "");
}

static int print_verb(const char *name)
{
    if (strcmp(name, "settings") == 0) {
        print_settings();
        return VE_EXIT_OK;
    }
    for (const struct ve_verb *verb = ve_verbs; verb->name; verb++) {
        if (strcmp(verb->name, name) != 0)
            continue;
        printf("voiceengine %s %s\n\n%s.\n", verb->name, verb->arguments, verb->summary);
        for (size_t i = 0; i < sizeof(topics) / sizeof(topics[0]); i++) {
            if (strcmp(topics[i].verb, name) == 0)
                printf("\n%s", topics[i].text);
        }
        return VE_EXIT_OK;
    }
    fprintf(stderr, "voiceengine help: no verb or topic \"%s\"\n", name);
    return VE_EXIT_USAGE;
}

int ve_verb_help(int argc, char **argv)
{
    if (argc > 1)
        return print_verb(argv[1]);
    printf("voiceengine gives a phone number a voice, in Lua.\n\n");
    for (const struct ve_verb *verb = ve_verbs; verb->name; verb++)
        printf("  voiceengine %-8s %s\n", verb->name, verb->summary);
    printf("\nMore: voiceengine help VERB, voiceengine help settings\n");
    return VE_EXIT_OK;
}
