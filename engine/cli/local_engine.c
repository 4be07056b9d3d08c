#include "cli/local_engine.h"

#include "base/alloc.h"
#include "base/err.h"
#include "cli/engine.h"
#include "crypto/random.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct ve_local_engine {
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t ready_wake;
    bool ready; /* started or failed; guarded by lock */
    int err;
    char why[1024];
    const char *script;
    struct ve_log log; /* a copy, with the engine's own clock */
    struct ve_settings settings;
    struct ve_loop *loop;
    uint16_t http_port, media_port;
    struct ve_post stop;
    char dir[64];
};

static int64_t wall_ms(void *clock)
{
    return ve_loop_wall_ms(clock);
}

static void report(struct ve_local_engine *local, int err)
{
    pthread_mutex_lock(&local->lock);
    local->err = err;
    local->ready = true;
    pthread_cond_signal(&local->ready_wake);
    pthread_mutex_unlock(&local->lock);
}

static void run(struct ve_local_engine *local)
{
    struct ve_engine *engine;
    struct ve_engine_options options = {
        .loop = local->loop,
        .log = &local->log,
        .settings = &local->settings,
        .script = local->script,
    };
    int err = ve_engine_new(&engine, &options, local->why);
    if (err) {
        report(local, err);
        return;
    }
    local->http_port = ve_engine_http_port(engine);
    local->media_port = ve_engine_media_port(engine);
    report(local, 0);
    ve_loop_run(local->loop);
    ve_engine_free(engine);
}

static void *engine_main(void *arg)
{
    struct ve_local_engine *local = arg;
    run(local);
    ve_loop_free(local->loop);
    return NULL;
}

static void on_stop(struct ve_post *post)
{
    struct ve_local_engine *local = VE_CONTAINER(post, struct ve_local_engine, stop);
    ve_loop_stop(local->loop);
}

/* Settings of its own: nothing of the environment but what the voice and the stream need. */
static int make_settings(struct ve_local_engine *local)
{
    struct ve_setting_error error;
    struct ve_setting_source nothing = {0};
    int err = ve_settings_load(&local->settings, &nothing, &error);
    if (err)
        return err;
    (void)snprintf(local->dir, sizeof(local->dir), "/tmp/voiceengine-XXXXXX");
    if (!mkdtemp(local->dir)) {
        local->dir[0] = '\0';
        return VE_EIO;
    }
    ve_str_copy(local->settings.data_dir, sizeof(local->settings.data_dir), ve_str(local->dir));
    local->settings.http_port = local->settings.media_port = 0;
    err = ve_random_hex(local->settings.secrets.webhook, 32);
    return err ? err : ve_random_hex(local->settings.secrets.stream_token, 32);
}

static void free_local(struct ve_local_engine *local)
{
    if (local->dir[0])
        (void)rmdir(local->dir);
    pthread_mutex_destroy(&local->lock);
    pthread_cond_destroy(&local->ready_wake);
    ve_settings_wipe(&local->settings);
    ve_free(local);
}

int ve_local_engine_start(struct ve_local_engine **out, const char *script,
                          const struct ve_log *log, char why[static 1024])
{
    struct ve_local_engine *local = ve_alloc(sizeof(*local));
    if (!local)
        return VE_ENOMEM;
    pthread_mutex_init(&local->lock, NULL);
    pthread_cond_init(&local->ready_wake, NULL);
    local->script = script;
    local->log = *log;
    local->stop.fn = on_stop;
    int err = make_settings(local);
    if (!err)
        err = ve_loop_new_live(&local->loop);
    local->log.wall_ms = wall_ms;
    local->log.clock = local->loop;
    if (!err && pthread_create(&local->thread, NULL, engine_main, local) != 0) {
        ve_loop_free(local->loop);
        err = VE_EIO;
    }
    if (err) {
        (void)snprintf(why, 1024, "the engine's thread cannot start: %s", ve_err_name(err));
        free_local(local);
        return err;
    }
    pthread_mutex_lock(&local->lock);
    while (!local->ready)
        pthread_cond_wait(&local->ready_wake, &local->lock);
    pthread_mutex_unlock(&local->lock);
    if (local->err) {
        err = local->err;
        memcpy(why, local->why, 1024);
        pthread_join(local->thread, NULL);
        free_local(local);
        return err;
    }
    *out = local;
    return 0;
}

const struct ve_settings *ve_local_engine_settings(const struct ve_local_engine *local)
{
    return &local->settings;
}

uint16_t ve_local_engine_http_port(const struct ve_local_engine *local)
{
    return local->http_port;
}

uint16_t ve_local_engine_media_port(const struct ve_local_engine *local)
{
    return local->media_port;
}

void ve_local_engine_stop(struct ve_local_engine *local)
{
    if (!local)
        return;
    ve_loop_post(local->loop, &local->stop);
    pthread_join(local->thread, NULL);
    free_local(local);
}
