#include "media/inside.h"

#define EAR_PIECE 960 /* samples given to an ear at once */

static struct ve_ear *ear_of(struct ve_link *link)
{
    return VE_CONTAINER(link, struct ve_ear, link);
}

static void open_ear(struct ve_session *s, struct ve_ear *ear)
{
    ear->open = true;
    ear->fed = s->from;
    ear->ops->begin(ear->arg, s->capture.rate);
}

/* Gives an ear what it has not had, up to position `to`. */
static void feed_ear(struct ve_session *s, struct ve_ear *ear, uint64_t to)
{
    int16_t piece[EAR_PIECE];
    while (ear->open && ear->fed < to) {
        size_t want = to - ear->fed < EAR_PIECE ? (size_t)(to - ear->fed) : EAR_PIECE;
        size_t n = ve_fifo_read(&s->capture.fifo, ear->fed, piece, want);
        if (!n)
            return;
        ear->fed += n;
        ear->ops->audio(ear->arg, piece, n);
    }
}

void ve_ears_feed(struct ve_session *s)
{
    VE_LIST_EACH(&s->ears, it)
    {
        feed_ear(s, ear_of(it), s->capture.fifo.end);
    }
}

static void tell_text(struct ve_session *s, struct ve_ear *ear)
{
    if (s->text.len && ear->ops->text)
        ear->ops->text(ear->arg, ve_buf_str(&s->text));
}

static void commit_ear(struct ve_session *s, struct ve_ear *ear, uint32_t turn, uint32_t take)
{
    ear->open = false;
    tell_text(s, ear);
    ear->ops->commit(ear->arg, turn, take);
}

void ve_ears_catch_up(void *arg)
{
    struct ve_session *s = arg;
    bool fresh = s->unheard && ve_loop_now(s->media->loop) - s->unheard_at <= VE_UNHEARD_MAX;
    VE_LIST_EACH(&s->ears, it)
    {
        struct ve_ear *ear = ear_of(it);
        if (ear->open || !(s->open || fresh))
            continue;
        open_ear(s, ear);
        feed_ear(s, ear, s->open ? s->capture.fifo.end : s->to);
        if (!s->open) {
            commit_ear(s, ear, s->unheard_turn, s->unheard_take);
            s->unheard = false;
            ve_buf_clear(&s->text);
            return; /* it was for one ear */
        }
    }
    if (!s->open)
        s->unheard = false;
}

/* Does anybody listen who tells what he hears while it is being said? */
static void look_for_partials(struct ve_session *s)
{
    bool partials = false;
    VE_LIST_EACH(&s->ears, it)
    {
        partials = partials || ear_of(it)->partials;
    }
    ve_turn_partials(&s->turn, partials);
}

void ve_session_listen(struct ve_session *s, struct ve_ear *ear)
{
    ear->session = s;
    ear->open = false;
    ve_list_push(&s->ears, &ear->link);
    look_for_partials(s);
    if (s->open || s->unheard)
        ve_timer_start(&s->catch_up, 0);
}

void ve_ear_close(struct ve_ear *ear)
{
    if (!ear->session)
        return;
    ve_link_remove(&ear->link);
    look_for_partials(ear->session);
    ear->session = NULL;
    ear->open = false;
}

void ve_ears_begin(struct ve_session *s)
{
    VE_LIST_EACH(&s->ears, it)
    {
        open_ear(s, ear_of(it));
    }
}

void ve_ears_drop(struct ve_session *s)
{
    VE_LIST_EACH(&s->ears, it)
    {
        struct ve_ear *ear = ear_of(it);
        if (ear->open) {
            ear->open = false;
            ear->ops->drop(ear->arg);
        }
    }
}

void ve_ears_speculate(struct ve_session *s, uint32_t turn, uint32_t take)
{
    VE_LIST_EACH(&s->ears, it)
    {
        struct ve_ear *ear = ear_of(it);
        if (!ear->open || !ear->ops->speculate)
            continue;
        tell_text(s, ear);
        ear->ops->speculate(ear->arg, turn, take);
    }
}

bool ve_ears_commit(struct ve_session *s, uint32_t turn, uint32_t take)
{
    bool heard = false;
    VE_LIST_EACH(&s->ears, it)
    {
        if (ear_of(it)->open) {
            heard = true;
            commit_ear(s, ear_of(it), turn, take);
        }
    }
    return heard;
}

bool ve_ears_open(const struct ve_session *s)
{
    for (struct ve_link *it = s->ears.next; it != &s->ears; it = it->next) {
        if (ear_of(it)->open)
            return true;
    }
    return false;
}

void ve_ears_partial(struct ve_session *s, struct ve_str text)
{
    VE_LIST_EACH(&s->ears, it)
    {
        struct ve_ear *ear = ear_of(it);
        if (ear->open && ear->ops->partial_text)
            ear->ops->partial_text(ear->arg, text);
    }
}
