#include "base/err.h"
#include "media/inside.h"

#define BLOCK (VE_TURN_BLOCK_MS * VE_MS)
/* Text mode: how sure and how loud the pretended speech is. */
#define TEXT_P  0.95f
#define TEXT_DB (-24.0f)

/* The whole words among the first `len` bytes: what has been said by now. */
static struct ve_str said_so_far(struct ve_str text, size_t len)
{
    if (len >= text.len)
        return text;
    while (len && text.ptr[len] != ' ')
        len--;
    return ve_str_trim(ve_str_n(text.ptr, len));
}

static void tell_partial(struct ve_session *s)
{
    struct ve_str text = ve_buf_str(&s->text);
    uint64_t done = s->text_all - s->text_ms;
    size_t fresh = text.len - s->text_begin;
    struct ve_str now = said_so_far(text, s->text_begin + (size_t)(fresh * done / s->text_all));
    if (now.len <= s->text_told)
        return;
    s->text_told = now.len;
    ve_ears_partial(s, now);
}

void ve_stall_block(void *arg)
{
    struct ve_session *s = arg;
    bool talking = s->text_ms > 0;
    uint32_t step = s->text_ms < VE_TURN_BLOCK_MS ? s->text_ms : VE_TURN_BLOCK_MS;
    s->text_ms -= step;
    /* The captured audio does not grow, the media clock does: keep the two apart. */
    s->capture.origin_ms += VE_TURN_BLOCK_MS;
    ve_session_block(s, talking ? TEXT_P : 0.0f, talking ? TEXT_DB : -120.0f,
                     ve_loop_now(s->media->loop));
    if (talking) {
        s->capture.audible_ns = ve_loop_now(s->media->loop);
        tell_partial(s);
    }
    if (s->text_ms || s->turn.state != VE_TURN_LISTENING)
        ve_timer_start(&s->stall, BLOCK);
}

int ve_session_say_text(struct ve_session *s, struct ve_str text, uint64_t ns)
{
    int err = 0;
    if (!s->open)
        ve_buf_clear(&s->text);
    else if (s->text.len) /* the caller goes on */
        err = ve_buf_add_char(&s->text, ' ');
    s->text_begin = s->text.len;
    if (!err)
        err = ve_buf_add_str(&s->text, text);
    if (err)
        return err;
    s->text_ms = s->text_all = (uint32_t)(ns / VE_MS);
    s->text_told = s->text_begin;
    ve_timer_start(&s->stall, BLOCK);
    return 0;
}
