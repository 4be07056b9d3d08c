#include "cli/engine.h"
#include "cli/verbs.h"
#include "loop/signal.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

#define DRAIN_LIMIT  (30 * VE_SECOND)
#define RELOAD_QUIET (30 * VE_MS)

struct running {
    struct ve_loop *loop;
    struct ve_engine *engine;
    const struct ve_log *log;
    struct ve_settings *settings;
    bool draining;
};

/* Secrets, lists and certificates are read again; a mistake changes nothing. */
static void reload_settings(struct running *running)
{
    struct ve_settings fresh;
    struct ve_setting_error error;
    const char *name;
    bool made;
    if (ve_settings_load_process(&fresh, &error) != 0 ||
        ve_settings_complete(&fresh, &made, &error) != 0) {
        ve_log_event(running->log, VE_LOG_ERROR, "settings_refused",
                     ve_fmsg("The settings were not reloaded; those before stay"),
                     ve_ftext("error", error.what), ve_ftext("where", error.where),
                     ve_ftext("fix", error.fix));
    } else {
        if (ve_settings_take_over(running->settings, &fresh, &name))
            ve_log_event(running->log, VE_LOG_WARN, "restart_needed",
                         ve_fmsg("A changed setting counts only after a restart"),
                         ve_ftext("setting", name));
        ve_engine_settings_changed(running->engine);
        ve_log_event(running->log, VE_LOG_INFO, "settings_reloaded",
                     ve_fmsg("Settings and secrets were reloaded"));
    }
    ve_settings_wipe(&fresh);
}

static void on_signal(void *arg, int signum)
{
    struct running *running = arg;
    if (signum == SIGHUP) {
        reload_settings(running);
        ve_engine_reload(running->engine);
    } else if (running->draining) {
        ve_loop_stop(running->loop); /* asked twice */
    } else {
        running->draining = true;
        ve_engine_drain(running->engine, DRAIN_LIMIT);
    }
}

static void say_ready(const struct running *running, const struct ve_log *log,
                      const struct ve_settings *settings)
{
    char msg[256];
    const char *s = settings->tls_cert[0] ? "s" : "";
    (void)snprintf(msg, sizeof(msg),
                   "Ready: http%s://%s:%u, media ws%s://%s:%u/stream/call_{call_id}", s,
                   settings->http_host, ve_engine_http_port(running->engine), s,
                   settings->media_host, ve_engine_media_port(running->engine));
    ve_log_event(log, VE_LOG_INFO, "ready", ve_fmsg(msg),
                 ve_fu64("http_port", ve_engine_http_port(running->engine)),
                 ve_fu64("media_port", ve_engine_media_port(running->engine)));
    if (strncmp(settings->http_host, "127.", 4) != 0)
        return;
    (void)snprintf(
        msg, sizeof(msg),
        "Talk to it from another terminal: build/voiceengine call --connect http%s://%s:%u", s,
        settings->http_host, ve_engine_http_port(running->engine));
    ve_log_event(log, VE_LOG_INFO, "try", ve_fmsg(msg));
}

static int serve(struct ve_loop *loop, const struct ve_log *log, struct ve_settings *settings,
                 const char *script)
{
    static const int signals[] = {SIGTERM, SIGINT, SIGHUP};
    struct ve_signal *handlers[3] = {NULL, NULL, NULL};
    struct running running = {.loop = loop, .log = log, .settings = settings};
    char why[1024];
    struct ve_engine_options options = {
        .loop = loop,
        .log = log,
        .settings = settings,
        .script = script,
        .reload_quiet = RELOAD_QUIET,
    };
    if (ve_engine_new(&running.engine, &options, why) != 0) {
        ve_complain(why, NULL, NULL);
        return VE_EXIT_FAILED;
    }
    for (size_t i = 0; i < 3; i++)
        (void)ve_signal_new(&handlers[i], loop, signals[i], on_signal, &running);
    say_ready(&running, log, settings);
    ve_loop_run(loop);
    for (size_t i = 0; i < 3; i++)
        ve_signal_free(handlers[i]);
    ve_engine_free(running.engine);
    ve_log_event(log, VE_LOG_INFO, "stopped", ve_fmsg("Stopped"));
    return VE_EXIT_OK;
}

static int run_with(struct ve_settings *settings, bool made, const char *script)
{
    struct ve_cli_log log;
    struct ve_loop *loop;
    if (ve_cli_log_open(&log, settings->log_format, settings->log_level) != 0)
        return VE_EXIT_FAILED;
    if (ve_loop_new_live(&loop) != 0) {
        ve_cli_log_close(&log);
        return VE_EXIT_FAILED;
    }
    log.log.clock = loop;
    if (made)
        ve_log_event(
            &log.log, VE_LOG_WARN, "dev_secrets",
            ve_fmsg("Secrets for development are in dev.env of the data folder; set "
                    "RINGOVER_WEBHOOK_SECRET and RINGOVER_STREAMER_AUTH_TOKEN for real use"),
            ve_ftext("dir", settings->data_dir));
    int code = serve(loop, &log.log, settings, script);
    log.log.clock = NULL;
    log.log.wall_ms = NULL;
    ve_loop_free(loop);
    ve_cli_log_close(&log);
    return code;
}

int ve_verb_run(int argc, char **argv)
{
    struct ve_settings settings;
    struct ve_setting_error error;
    const char *failed = "";
    bool made;
    if (argc != 2 || argv[1][0] == '-')
        return ve_usage("run", argc < 2 ? "which script?" : NULL);
    if (ve_engine_process_init(&failed) != 0) {
        ve_complain(failed, "process start", "is the library installed completely?");
        return VE_EXIT_FAILED;
    }
    if (ve_settings_load_process(&settings, &error) != 0 ||
        ve_settings_complete(&settings, &made, &error) != 0) {
        ve_complain(error.what, error.where, error.fix);
        ve_settings_wipe(&settings);
        return VE_EXIT_FAILED;
    }
    int code = run_with(&settings, made, argv[1]);
    ve_settings_wipe(&settings);
    return code;
}
