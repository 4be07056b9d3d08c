#include "door/answer.h"

#include "base/alloc.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/list.h"
#include "base/map.h"
#include "loop/timer.h"
#include "store/inbox.h"

#define ROUTING_DEADLINE (1500 * VE_MS)
#define OTHER_DEADLINE   (1000 * VE_MS)
#define KEPT             (10 * VE_SECOND)
#define OPEN_MAX         1000
#define QUESTIONS_MAX    10000
#define BODIES_MAX       ((size_t)16 * 1024 * 1024) /* bytes of answers that are kept */

struct ve_answers {
    struct ve_answers_config config;
    struct ve_map by_key; /* key -> question */
    struct ve_link questions;
    unsigned count, open;
    size_t bytes;
};

struct question {
    struct ve_answers *answers; /* NULL: forgotten, only the store still knows it */
    struct ve_link link;
    struct ve_link waiters;
    struct ve_event *event; /* owned until it is settled */
    char key[VE_EVENT_KEY_MAX];
    enum ve_event_kind kind;
    void *run;             /* the script's; NULL: it is not at work */
    struct ve_timer timer; /* the deadline; once settled, the end of its keeping */
    bool claiming;         /* the store will call back */
    bool settled;
    int status;
    struct ve_buf body;
};

/* A request that waits. */
struct waiter {
    struct ve_http_hold hold;
    struct ve_link link;
    struct ve_http_request *request;
};

/* --- giving answers --------------------------------------------------------------------------- */

static void respond(const struct question *question, struct ve_http_request *request)
{
    bool empty = question->status == 204 || question->status == 205 || question->status == 304;
    struct ve_str body = ve_buf_str(&question->body);
    if (!body.len)
        body = VE_STR("{}");
    ve_http_respond(request, question->status, empty ? NULL : "application/json",
                    empty ? VE_STR("") : body, NULL, 0);
}

static void drop_waiter(struct waiter *waiter)
{
    ve_link_remove(&waiter->link);
    ve_free(waiter);
}

static void on_gone(struct ve_http_hold *hold)
{
    drop_waiter(VE_CONTAINER(hold, struct waiter, hold));
}

static void refuse_busy(struct ve_http_request *request, const char *message)
{
    ve_http_refuse_with(request, 503, "busy", message,
                        (struct ve_http_field){"Retry-After", VE_STR("1")});
}

static void wait_for(struct question *question, struct ve_http_request *request)
{
    struct waiter *waiter = ve_alloc(sizeof(*waiter));
    if (!waiter) {
        refuse_busy(request, "not enough memory");
        return;
    }
    waiter->hold.gone = on_gone;
    waiter->request = request;
    ve_list_push(&question->waiters, &waiter->link);
    ve_http_set_data(request, &waiter->hold);
}

/* --- settling --------------------------------------------------------------------------------- */

static void free_question(struct question *question)
{
    ve_timer_stop(&question->timer);
    ve_link_remove(&question->link);
    VE_LIST_EACH(&question->waiters, it)
    {
        drop_waiter(VE_CONTAINER(it, struct waiter, link));
    }
    ve_free(question->event);
    ve_buf_free(&question->body);
    ve_free(question);
}

/* Its memory stays until the store has called back. */
static void forget(struct question *question)
{
    struct ve_answers *answers = question->answers;
    ve_map_remove(&answers->by_key, ve_str(question->key));
    answers->count--;
    answers->open -= !question->settled;
    answers->bytes -= question->body.len;
    question->answers = NULL;
    ve_timer_stop(&question->timer);
    ve_link_remove(&question->link);
    if (!question->claiming)
        free_question(question);
}

static void log_default(const struct question *question, const char *why)
{
    ve_log_event(question->answers->config.log, VE_LOG_WARN, "default_answer",
                 ve_fmsg("A question of the carrier got the default answer"),
                 ve_ftext("name", question->event->name),
                 ve_ftext("call", question->event->call_id), ve_ftext("why", why));
}

static void settle(struct question *question, int status, struct ve_str body)
{
    struct ve_answers *answers = question->answers;
    question->settled = true;
    question->run = NULL;
    question->status = status;
    answers->open--;
    /* Without memory or room the answer is still given, if only as its status. */
    if (answers->bytes + body.len <= BODIES_MAX && ve_buf_add_str(&question->body, body) == 0)
        answers->bytes += body.len;
    VE_LIST_EACH(&question->waiters, it)
    {
        struct waiter *waiter = VE_CONTAINER(it, struct waiter, link);
        struct ve_http_request *request = waiter->request;
        ve_http_set_data(request, NULL);
        drop_waiter(waiter);
        respond(question, request);
    }
    ve_free(question->event);
    question->event = NULL;
    ve_timer_start(&question->timer, KEPT);
}

static void settle_default(struct question *question)
{
    settle(question, question->kind == VE_EVENT_IVR_CODE ? 200 : 204, VE_STR(""));
}

static void on_timer(void *arg)
{
    struct question *question = arg;
    struct ve_answer_script *script = &question->answers->config.script;
    if (question->settled) {
        forget(question);
        return;
    }
    if (question->run)
        script->cancel(script->arg, question->run);
    log_default(question, "the script did not answer in time");
    settle_default(question);
}

/* --- asking ----------------------------------------------------------------------------------- */

static void on_answer(void *arg, int err, int status, struct ve_str body)
{
    struct question *question = arg;
    question->run = NULL;
    if (!err && status >= 200 && status <= 599) {
        settle(question, status, body);
        return;
    }
    log_default(question, "the script failed");
    settle_default(question);
}

static void ask(struct question *question)
{
    struct ve_answer_script *script = &question->answers->config.script;
    int err = script->ask(script->arg, question->event, on_answer, question, &question->run);
    if (!err)
        return;
    if (err != VE_ENOENT)
        log_default(question, ve_err_name(err));
    settle_default(question);
}

/* The key is on the disk, or the disk is in trouble: a caller is not sent away for that. */
static void on_claimed(void *arg, int err)
{
    struct question *question = arg;
    question->claiming = false;
    if (!question->answers) {
        free_question(question);
        return;
    }
    if (question->settled)
        return; /* the deadline came first */
    if (err == VE_EEXIST) {
        log_default(question, "it was asked before");
        settle_default(question);
        return;
    }
    ask(question);
}

static void claim(struct question *question)
{
    struct ve_answers_config *config = &question->answers->config;
    if (!config->store) {
        ask(question);
        return;
    }
    question->claiming = true;
    int err = ve_seen_put(config->store, ve_str(question->key), ve_loop_wall_ms(config->loop),
                          on_claimed, question);
    if (err)
        on_claimed(question, err);
}

/* --- taking questions ------------------------------------------------------------------------- */

static struct question *make_question(struct ve_answers *answers, struct ve_event *event)
{
    struct question *question = ve_alloc(sizeof(*question));
    if (!question)
        return NULL;
    (void)ve_str_copy(question->key, sizeof(question->key), ve_str(event->key));
    if (ve_map_add(&answers->by_key, ve_str(question->key), question) != 0) {
        ve_free(question);
        return NULL;
    }
    question->answers = answers;
    question->event = event;
    question->kind = event->kind;
    ve_link_init(&question->waiters);
    ve_buf_init(&question->body, 64 * 1024);
    ve_timer_init(&question->timer, answers->config.loop, on_timer, question);
    ve_list_push(&answers->questions, &question->link);
    answers->count++;
    answers->open++;
    return question;
}

void ve_answers_take(struct ve_answers *answers, struct ve_http_request *request,
                     struct ve_event *event)
{
    struct question *question = ve_map_find(&answers->by_key, ve_str(event->key));
    if (question) {
        ve_free(event);
        if (question->settled)
            respond(question, request);
        else
            wait_for(question, request);
        return;
    }
    bool room = answers->open < OPEN_MAX && answers->count < QUESTIONS_MAX;
    question = room ? make_question(answers, event) : NULL;
    if (!question) {
        ve_free(event);
        refuse_busy(request, "too many questions at once");
        return;
    }
    wait_for(question, request);
    ve_timer_start(&question->timer,
                   event->kind == VE_EVENT_ROUTING ? ROUTING_DEADLINE : OTHER_DEADLINE);
    claim(question);
}

/* --- the whole -------------------------------------------------------------------------------- */

int ve_answers_new(struct ve_answers **out, const struct ve_answers_config *config)
{
    struct ve_answers *answers = ve_alloc(sizeof(*answers));
    if (!answers)
        return VE_ENOMEM;
    answers->config = *config;
    ve_map_init(&answers->by_key, config->seed);
    ve_link_init(&answers->questions);
    *out = answers;
    return 0;
}

void ve_answers_free(struct ve_answers *answers)
{
    if (!answers)
        return;
    VE_LIST_EACH(&answers->questions, it)
    {
        struct question *question = VE_CONTAINER(it, struct question, link);
        if (question->run)
            answers->config.script.cancel(answers->config.script.arg, question->run);
        forget(question);
    }
    ve_map_free(&answers->by_key);
    ve_free(answers);
}

unsigned ve_answers_open(const struct ve_answers *answers)
{
    return answers->open;
}
