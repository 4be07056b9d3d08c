#include "base/json.h"
#include "cli/verbs.h"
#include "cli/worker.h"

#include <stdio.h>
#include <string.h>

static void print_json(const char *script, const struct ve_load_error *error)
{
    struct ve_buf out;
    struct ve_jsonw w;
    ve_buf_init(&out, 0);
    ve_jsonw_init(&w, &out);
    ve_jsonw_object(&w);
    ve_jsonw_kbool(&w, "ok", error == NULL);
    ve_jsonw_kstr(&w, "script", ve_str(script));
    if (error) {
        ve_jsonw_kstr(&w, "message", ve_str(error->message));
        ve_jsonw_kstr(&w, "file", ve_str(error->file));
        ve_jsonw_ku64(&w, "line", (uint64_t)error->line);
        ve_jsonw_kstr(&w, "source", ve_str(error->source_line));
    }
    ve_jsonw_object_end(&w);
    if (ve_jsonw_end(&w) == 0)
        printf("%.*s\n", (int)out.len, out.ptr);
    ve_buf_free(&out);
}

static int64_t no_clock(void *clock)
{
    (void)clock;
    return 0;
}

/* Loads the script in a state like any other; nothing runs but its top level and on_load. */
static int load(const char *script, struct ve_load_error *error)
{
    char dir[512];
    char file[256];
    struct ve_generation *generation = NULL;
    struct ve_loop *loop;
    int err = ve_loop_new_sim(&loop, 0);
    if (err)
        return err;
    struct ve_log log = {.level = VE_LOG_ERROR, .wall_ms = no_clock};
    struct ve_bind bind = {.loop = loop, .log = &log};
    ve_split_script(script, dir, sizeof(dir), file, sizeof(file));
    struct ve_generation_options options = {
        .tenant = "default",
        .dir = dir,
        .main_file = file,
        .number = 1,
        .open_core = ve_bind_open,
        .context = &bind,
    };
    err = ve_generation_build(&generation, &options, error);
    ve_generation_unref(generation);
    ve_loop_free(loop);
    return err;
}

int ve_verb_check(int argc, char **argv)
{
    const char *script = NULL;
    bool json = false;
    struct ve_load_error error = {.line = 0};
    char text[1024];
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--json") == 0)
            json = true;
        else if (argv[i][0] == '-' || script)
            return ve_usage("check", "unknown argument");
        else
            script = argv[i];
    }
    if (!script)
        return ve_usage("check", "which script?");
    int err = load(script, &error);
    if (json) {
        print_json(script, err ? &error : NULL);
    } else if (err) {
        ve_load_error_text(&error, text, sizeof(text));
        fprintf(stderr, "%s\n", text);
    } else {
        printf("%s: ok\n", script);
    }
    return err ? VE_EXIT_FAILED : VE_EXIT_OK;
}
