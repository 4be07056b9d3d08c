#include "door/intake.h"

#include "base/alloc.h"
#include "base/err.h"

#include <stdio.h>

#define FUTURE_MS ((int64_t)300 * 1000) /* a clock may be ahead of ours by so much */
#define AGE_MS    ((int64_t)96 * 3600 * 1000)
/* What could not be done now is tried again, one thing at a time. */
#define AGAIN (500 * VE_MS)
/* Events of one page are handed out together; the next page follows once they are finished, or
 * after so long. */
#define PAGE      32
#define PAGE_TIME (5 * VE_SECOND)
#define TRIES_MAX 10

/* An event on its way: to the disk, to the directory, or waiting for another attempt at one of the
 * two ends. */
struct item {
    struct ve_link link; /* in intake->taken or intake->again */
    struct ve_http_hold hold;
    struct ve_intake *intake;        /* NULL: it has been freed */
    struct ve_http_request *request; /* NULL: the peer has left, or the answer was given */
    struct ve_event *event;          /* owned until it is posted */
    int64_t id;                      /* in the inbox */
    bool finished;                   /* only the inbox must still be told */
};

struct ve_intake {
    struct ve_intake_config config;
    struct ve_link items; /* that the store or the directory will call back about */
    struct ve_link again;
    struct item *fetching; /* of `again`: being read from the inbox */
    struct ve_timer retry;
    /* resuming */
    struct ve_timer page_time;
    bool resuming;
    int64_t after; /* the last id that was handed out */
    int64_t upto;  /* the last id of the engine before */
    unsigned left; /* of the page: not finished yet */
    bool more;
};

static void drop(struct item *item)
{
    ve_link_remove(&item->link);
    ve_free(item->event);
    ve_free(item);
}

static struct item *item_at(struct ve_link *link)
{
    return VE_CONTAINER(link, struct item, link);
}

/* --- answers ---------------------------------------------------------------------------------- */

static void answer_ok(struct ve_http_request *request)
{
    ve_http_respond(request, 200, "application/json", VE_STR("{\"status\":\"ok\"}"), NULL, 0);
}

static void answer_busy(struct ve_http_request *request, const char *message)
{
    ve_http_refuse_with(request, 503, "busy", message,
                        (struct ve_http_field){"Retry-After", VE_STR("2")});
}

static void answer_not_stored(struct ve_intake *intake, struct ve_http_request *request)
{
    struct ve_store_health health;
    char message[96];
    ve_store_health(intake->config.store, &health);
    (void)snprintf(message, sizeof(message), "the event could not be stored (%s); send it again",
                   health.state == VE_STORE_OK ? "disk error" : ve_store_state_name(health.state));
    ve_http_refuse_with(request, 503, "not_stored", message,
                        (struct ve_http_field){"Retry-After", VE_STR("5")});
}

static void answer(struct ve_intake *intake, struct item *item, int err)
{
    struct ve_http_request *request = item->request;
    if (!request)
        return;
    item->request = NULL;
    ve_http_set_data(request, NULL);
    if (!err || err == VE_EEXIST)
        answer_ok(request);
    else if (err == VE_EBUSY)
        answer_busy(request, "too many events are waiting");
    else
        answer_not_stored(intake, request);
}

/* --- to the directory ------------------------------------------------------------------------- */

static void try_again(struct ve_intake *intake, struct item *item)
{
    ve_link_remove(&item->link);
    ve_list_push(&intake->again, &item->link);
    if (!intake->retry.active)
        ve_timer_start(&intake->retry, AGAIN);
}

static void on_posted(void *arg, int err)
{
    struct item *item = arg;
    /* The event itself tells when it is finished: nothing is left to do here. */
    if (!err || !item->intake)
        drop(item);
    else
        try_again(item->intake, item);
}

static void hand_out(struct ve_intake *intake, struct item *item)
{
    struct ve_event *event = item->event;
    item->event = NULL;
    event->inbox_id = item->id;
    ve_link_remove(&item->link);
    ve_list_push(&intake->items, &item->link);
    int err = ve_directory_post(intake->config.calls, event, on_posted, item);
    if (err)
        on_posted(item, err);
}

/* --- in --------------------------------------------------------------------------------------- */

static void on_gone(struct ve_http_hold *hold)
{
    VE_CONTAINER(hold, struct item, hold)->request = NULL;
}

static void on_stored(void *arg, int err, int64_t id)
{
    struct item *item = arg;
    struct ve_intake *intake = item->intake;
    if (!intake) {
        drop(item);
        return;
    }
    item->id = id;
    answer(intake, item, err);
    if (err)
        drop(item);
    else
        hand_out(intake, item);
}

static bool is_stale(const struct ve_intake *intake, const struct ve_event *event)
{
    int64_t now = ve_loop_wall_ms(intake->config.loop);
    return event->at_ms &&
           (event->at_ms > now + FUTURE_MS || event->at_ms < now - intake->config.max_age_ms);
}

/* NULL, or why the event is not even stored; the request has been answered then. */
static struct item *admit(struct ve_intake *intake, struct ve_http_request *request,
                          const struct ve_event *event)
{
    if (is_stale(intake, event)) {
        ve_log_event(intake->config.log, VE_LOG_WARN, "webhook_refused",
                     ve_fmsg("Webhook with a time too far from ours refused"),
                     ve_ftext("name", event->name), ve_fi64("at_ms", event->at_ms));
        ve_http_refuse(request, 401, "stale",
                       "the event's time is more than 300 s ahead of ours, or too long ago");
        return NULL;
    }
    if (!ve_directory_has_room(intake->config.calls, event)) {
        answer_busy(request, "too many calls at once");
        return NULL;
    }
    struct item *item = ve_alloc(sizeof(*item));
    if (!item)
        answer_busy(request, "out of memory");
    return item;
}

void ve_intake_take(struct ve_intake *intake, struct ve_http_request *request,
                    struct ve_event *event, struct ve_str body)
{
    struct item *item = admit(intake, request, event);
    if (!item) {
        ve_free(event);
        return;
    }
    struct ve_inbox_event stored = {
        .key = ve_str(event->key),
        .kind = ve_str(event->name),
        .body = body,
        .at_ms = ve_loop_wall_ms(intake->config.loop),
    };
    item->intake = intake;
    item->request = request;
    item->event = event;
    item->hold.gone = on_gone;
    ve_list_push(&intake->items, &item->link);
    ve_http_set_data(request, &item->hold);
    int err = ve_inbox_put(intake->config.store, &stored, on_stored, item);
    if (err)
        on_stored(item, err, 0);
}

/* --- the end of an event ---------------------------------------------------------------------- */

static void fetch_page(struct ve_intake *intake);

static void on_finished(void *arg, int err)
{
    struct item *item = arg;
    /* It was there, or it has expired meanwhile: it is gone. */
    if (!item->intake || !err || err == VE_ENOENT)
        drop(item);
    else
        try_again(item->intake, item);
}

static void tell_inbox(struct ve_intake *intake, struct item *item)
{
    ve_link_remove(&item->link);
    ve_list_push(&intake->items, &item->link);
    int err = ve_inbox_done(intake->config.store, item->id, ve_loop_wall_ms(intake->config.loop),
                            on_finished, item);
    if (err)
        try_again(intake, item);
}

void ve_intake_finished(void *arg, int64_t inbox_id)
{
    struct ve_intake *intake = arg;
    struct item *item = ve_alloc(sizeof(*item));
    if (intake->resuming && inbox_id <= intake->after && intake->left > 0 && --intake->left == 0)
        ve_timer_start(&intake->page_time, 0);
    /* Without memory it stays, and is handled once more after the next start. */
    if (!item)
        return;
    ve_link_init(&item->link);
    item->intake = intake;
    item->id = inbox_id;
    item->finished = true;
    tell_inbox(intake, item);
}

/* --- what waits for another attempt ----------------------------------------------------------- */

/* Gives the row's event to the item; false: it cannot be read. */
static bool decode_row(struct ve_intake *intake, struct item *item, const struct ve_inbox_row *row)
{
    char why[96] = "";
    int err = intake->config.decode(&item->event, row->body, why);
    if (!err)
        return true;
    ve_log_event(intake->config.log, VE_LOG_ERROR, "event_unreadable",
                 ve_fmsg("A stored event cannot be read any more"), ve_fi64("id", row->id),
                 ve_ftext("error", why[0] ? why : ve_err_name(err)));
    return false;
}

static void on_fetched(void *arg, int err, const struct ve_inbox_page *page)
{
    struct item *item = arg;
    struct ve_intake *intake = item->intake;
    if (!intake) {
        drop(item);
        return;
    }
    intake->fetching = NULL;
    if (err)
        try_again(intake, item);
    else if (page->count && decode_row(intake, item, &page->rows[0]))
        hand_out(intake, item);
    else
        drop(item);
}

static void on_retry(void *arg)
{
    struct ve_intake *intake = arg;
    struct ve_link *link = intake->fetching ? NULL : ve_list_shift(&intake->again);
    if (link) {
        struct item *item = item_at(link);
        if (item->finished) {
            tell_inbox(intake, item);
        } else {
            ve_list_push(&intake->items, link);
            intake->fetching = item;
            int err = ve_inbox_resume(intake->config.store, item->id - 1, item->id, 1, false,
                                      on_fetched, item);
            if (err)
                on_fetched(item, err, NULL);
        }
    }
    if (!ve_list_empty(&intake->again) && !intake->retry.active)
        ve_timer_start(&intake->retry, AGAIN);
}

/* --- what the engine before left -------------------------------------------------------------- */

static void resume_row(struct ve_intake *intake, const struct ve_inbox_row *row)
{
    if (row->tries > TRIES_MAX) {
        ve_log_event(intake->config.log, VE_LOG_ERROR, "event_set_aside",
                     ve_fmsg("An event ended the engine again and again: it is not handled"),
                     ve_fi64("id", row->id), ve_fstr("name", row->kind),
                     ve_fu64("tries", row->tries - 1));
        return;
    }
    struct item *item = ve_alloc(sizeof(*item));
    if (!item)
        return;
    ve_link_init(&item->link);
    item->intake = intake;
    item->id = row->id;
    if (!decode_row(intake, item, row)) {
        drop(item);
        return;
    }
    intake->left++;
    hand_out(intake, item);
}

static void on_page(void *arg, int err, const struct ve_inbox_page *page)
{
    struct item *cursor = arg;
    struct ve_intake *intake = cursor->intake;
    drop(cursor);
    if (!intake)
        return;
    if (err) {
        ve_timer_start(&intake->page_time, PAGE_TIME);
        return;
    }
    intake->more = page->more;
    if (page->count)
        intake->after = page->rows[page->count - 1].id;
    /* One more than there are, so that the last one to finish at once does not end the page. */
    intake->left = 1;
    for (size_t i = 0; i < page->count; i++)
        resume_row(intake, &page->rows[i]);
    intake->left--;
    if (intake->more)
        ve_timer_start(&intake->page_time, intake->left ? PAGE_TIME : 0);
    else
        intake->resuming = false;
}

static void on_page_time(void *arg)
{
    fetch_page(arg);
}

static void fetch_page(struct ve_intake *intake)
{
    struct item *cursor = ve_alloc(sizeof(*cursor));
    int err = cursor ? 0 : VE_ENOMEM;
    if (!err) {
        cursor->intake = intake;
        ve_list_push(&intake->items, &cursor->link);
        err = ve_inbox_resume(intake->config.store, intake->after, intake->upto, PAGE, true,
                              on_page, cursor);
        if (err)
            drop(cursor);
    }
    if (err)
        ve_timer_start(&intake->page_time, PAGE_TIME);
}

void ve_intake_resume(struct ve_intake *intake)
{
    intake->resuming = true;
    intake->upto = ve_store_last_id(intake->config.store);
    fetch_page(intake);
}

/* --- the intake ------------------------------------------------------------------------------- */

int ve_intake_new(struct ve_intake **out, const struct ve_intake_config *config)
{
    struct ve_intake *intake = ve_alloc(sizeof(*intake));
    if (!intake)
        return VE_ENOMEM;
    intake->config = *config;
    if (!intake->config.max_age_ms || intake->config.max_age_ms > AGE_MS)
        intake->config.max_age_ms = AGE_MS;
    ve_link_init(&intake->items);
    ve_link_init(&intake->again);
    ve_timer_init(&intake->retry, config->loop, on_retry, intake);
    ve_timer_init(&intake->page_time, config->loop, on_page_time, intake);
    *out = intake;
    return 0;
}

void ve_intake_free(struct ve_intake *intake)
{
    if (!intake)
        return;
    ve_timer_stop(&intake->retry);
    ve_timer_stop(&intake->page_time);
    VE_LIST_EACH(&intake->again, it)
    {
        drop(item_at(it));
    }
    /* The store calls back about these when it is closed. */
    VE_LIST_EACH(&intake->items, link)
    {
        struct item *item = item_at(link);
        ve_link_remove(link);
        item->intake = NULL;
        item->request = NULL;
    }
    ve_free(intake);
}
