#include "cli/softphone.h"

#include "audio/resample.h"
#include "base/alloc.h"
#include "base/err.h"
#include "base/json.h"
#include "crypto/base64.h"
#include "crypto/hex.h"
#include "crypto/hmac.h"
#include "loop/timer.h"
#include "net/httpc.h"
#include "net/wsc.h"

#include <stdio.h>
#include <string.h>

#define FRAME_MS 20
#define FRAME    (VE_TIMELINE_RATE * FRAME_MS / 1000) /* samples */
/* The carrier's own channel number of the caller's leg, and of the desk after a transfer. */
#define CHANNEL          1
#define TRANSFER_CHANNEL 2
/* A webhook that the engine is too busy for is sent again. */
#define RETRY        VE_SECOND
#define ATTEMPTS_MAX 5

enum stage { RINGING, ANSWERED, CONNECTING, TALKING, TRANSFERRING, LEAVING, OVER };

struct ve_softphone {
    struct ve_phone_options options;
    char call_id[65], from[40], to[40], http_url[256], media_url[256];
    enum stage stage;
    struct ve_httpc_request *request; /* the webhook under way */
    const char *event;                /* what it tells, of which channel, for which time */
    int channel;
    unsigned attempt;
    struct ve_timer again; /* sends it once more */
    struct ve_conn *conn;
    struct ve_timer frame;
    uint64_t origin; /* ns: position 0 of the timeline */
    uint64_t frames; /* sent */
    struct ve_timeline timeline;
    struct ve_buf speech;           /* s16 samples still to be sent */
    struct ve_buf text;             /* the message being collected */
    struct ve_resampler *resampler; /* the agent's rate to ours; owned */
    uint32_t agent_rate;
    enum ve_phone_end how;
    char why[160];
    bool owes_hangup;     /* the hangup webhook waits for the one under way */
    struct ve_timer tell; /* `ended`, in a step of its own */
};

/* --- ending ----------------------------------------------------------------------------------- */

static void on_tell(void *arg)
{
    struct ve_softphone *phone = arg;
    phone->stage = OVER;
    phone->options.events->ended(phone->options.arg, phone->how, phone->why);
}

static void finish_if_done(struct ve_softphone *phone)
{
    if (phone->stage == LEAVING && !phone->request && !phone->conn)
        ve_timer_start(&phone->tell, 0);
}

static void leave(struct ve_softphone *phone, enum ve_phone_end how, const char *why)
{
    if (phone->stage >= LEAVING)
        return;
    phone->stage = LEAVING;
    phone->how = how;
    (void)snprintf(phone->why, sizeof(phone->why), "%s", why);
    ve_timer_stop(&phone->frame);
    ve_timer_stop(&phone->again);
    if (phone->conn)
        ve_conn_close(phone->conn, VE_CLOSE_NORMAL);
    finish_if_done(phone);
}

/* --- webhooks --------------------------------------------------------------------------------- */

static void connect_media(struct ve_softphone *phone);
static int send_webhook(struct ve_softphone *phone, const char *event, int channel);
static int post_webhook(struct ve_softphone *phone);

/* A carrier does not lose an event because the engine was busy for a moment. */
static bool try_again(struct ve_softphone *phone, const struct ve_httpc_result *result)
{
    bool busy = !result->err && result->status == 503;
    if (!busy || phone->stage >= LEAVING || phone->attempt >= ATTEMPTS_MAX)
        return false;
    ve_timer_start(&phone->again, RETRY);
    return true;
}

static void on_again(void *arg)
{
    struct ve_softphone *phone = arg;
    phone->attempt++;
    if (post_webhook(phone) != 0)
        leave(phone, VE_PHONE_FAILED, "the webhook could not be sent again");
}

static void after_webhook(struct ve_softphone *phone)
{
    switch (phone->stage) {
    case RINGING:
        phone->stage = ANSWERED;
        if (send_webhook(phone, "answered", CHANNEL) != 0)
            leave(phone, VE_PHONE_FAILED, "the answered webhook could not be sent");
        break;
    case ANSWERED:
        connect_media(phone);
        break;
    case TRANSFERRING:
        leave(phone, VE_PHONE_TRANSFERRED, "");
        break;
    default:
        finish_if_done(phone);
    }
}

static void on_webhook_done(void *arg, const struct ve_httpc_result *result)
{
    struct ve_softphone *phone = arg;
    char why[160];
    phone->request = NULL;
    if (phone->owes_hangup) {
        phone->owes_hangup = false;
        (void)send_webhook(phone, "hangup", CHANNEL);
        finish_if_done(phone);
        return;
    }
    if (!result->err && result->status / 100 == 2) {
        after_webhook(phone);
        return;
    }
    if (phone->stage == LEAVING) {
        finish_if_done(phone);
        return;
    }
    if (try_again(phone, result))
        return;
    if (result->err)
        (void)snprintf(why, sizeof(why), "the engine does not answer: %s", result->why);
    else
        (void)snprintf(why, sizeof(why), "the engine refused the webhook with status %d",
                       result->status);
    leave(phone, VE_PHONE_FAILED, why);
}

static int compose_webhook(struct ve_softphone *phone, struct ve_buf *body)
{
    struct ve_jsonw w;
    ve_jsonw_init(&w, body);
    ve_jsonw_object(&w);
    ve_jsonw_kstr(&w, "resource", VE_STR("call"));
    ve_jsonw_kstr(&w, "event", ve_str(phone->event));
    ve_jsonw_key(&w, "timestamp");
    ve_jsonw_double(&w, (double)ve_loop_wall_ms(phone->options.loop) / 1000.0, 3);
    ve_jsonw_ku64(&w, "attempt", phone->attempt);
    ve_jsonw_key(&w, "data");
    ve_jsonw_object(&w);
    ve_jsonw_kstr(&w, "call_id", ve_str(phone->call_id));
    /* The channel's number, then the end of the call's: within 64 bits, and told apart by eye. */
    char channel_id[24];
    size_t len = strlen(phone->call_id);
    (void)snprintf(channel_id, sizeof(channel_id), "%d%s", phone->channel,
                   phone->call_id + (len > 15 ? len - 15 : 0));
    ve_jsonw_kstr(&w, "channel_id", ve_str(channel_id));
    ve_jsonw_kstr(&w, "status", ve_str(phone->event));
    ve_jsonw_kstr(&w, "direction", VE_STR("inbound"));
    ve_jsonw_kstr(&w, "from_number", ve_str(phone->from));
    ve_jsonw_kstr(&w, "to_number", ve_str(phone->to));
    ve_jsonw_object_end(&w);
    ve_jsonw_object_end(&w);
    return ve_jsonw_end(&w);
}

static int sign(const struct ve_secrets *secrets, struct ve_str body, char out[80])
{
    uint8_t mac[VE_HMAC_SHA256_BYTES];
    int err = ve_hmac_sha256(mac, ve_str(secrets->webhook), &body, 1);
    if (err)
        return err;
    memcpy(out, "sha256=", 8);
    ve_hex_encode(out + 7, mac, sizeof(mac));
    return 0;
}

static int post_webhook(struct ve_softphone *phone)
{
    char url[320];
    char signature[80];
    struct ve_buf body;
    ve_buf_init(&body, 0);
    int err = compose_webhook(phone, &body);
    if (!err)
        err = sign(phone->options.secrets, ve_buf_str(&body), signature);
    (void)snprintf(url, sizeof(url), "%s/api/v1/webhooks/ringover/event", phone->http_url);
    if (!err) {
        struct ve_httpc_field fields[] = {
            {"Content-Type", VE_STR("application/json")},
            {"X-Ringover-Signature", ve_str(signature)},
        };
        struct ve_httpc_options options = {
            .method = "POST",
            .url = ve_str(url),
            .fields = fields,
            .field_count = 2,
            .body = ve_buf_str(&body),
            .done = on_webhook_done,
            .arg = phone,
        };
        err = ve_httpc_start(phone->options.http, &options, &phone->request);
    }
    ve_buf_free(&body);
    return err;
}

static int send_webhook(struct ve_softphone *phone, const char *event, int channel)
{
    phone->event = event;
    phone->channel = channel;
    phone->attempt = 1;
    return post_webhook(phone);
}

/* --- what the agent sends --------------------------------------------------------------------- */

static uint64_t position_now(const struct ve_softphone *phone)
{
    uint64_t ns = ve_loop_now(phone->options.loop) - phone->origin;
    return ns * VE_TIMELINE_RATE / VE_SECOND;
}

static int set_agent_rate(struct ve_softphone *phone, uint32_t rate)
{
    if (rate == phone->agent_rate)
        return 0;
    ve_resampler_free(phone->resampler);
    phone->resampler = NULL;
    phone->agent_rate = rate;
    return ve_resampler_new(&phone->resampler, rate, VE_TIMELINE_RATE);
}

static int play_samples(struct ve_softphone *phone, const int16_t *samples, size_t count)
{
    size_t room = ve_resample_room(phone->resampler, count);
    int16_t *out = ve_alloc_array(room, sizeof(*out));
    size_t n = 0;
    if (!out)
        return VE_ENOMEM;
    int err = ve_resample(phone->resampler, samples, count, out, &n);
    if (!err)
        err = ve_timeline_agent(&phone->timeline, position_now(phone), out, n);
    ve_free(out);
    return err;
}

/* {"type":"streamAudio","data":{"audioDataType":"raw","sampleRate":16000,"audioData":"..."}} */
static void take_audio(struct ve_softphone *phone, const struct ve_json *data)
{
    struct ve_buf bytes;
    uint64_t rate = 0;
    struct ve_str text = ve_json_get_str(data, "audioData");
    bool raw = ve_str_eq(ve_json_get_str(data, "audioDataType"), VE_STR("raw"));
    if (!raw || ve_json_u64(ve_json_get(data, "sampleRate"), &rate) != 0 || rate > 48000)
        return;
    ve_buf_init(&bytes, 0);
    if (ve_base64_decode_add(&bytes, text, VE_BASE64_STD) == 0 &&
        set_agent_rate(phone, (uint32_t)rate) == 0)
        (void)play_samples(phone, (const int16_t *)(const void *)bytes.ptr, bytes.len / 2);
    ve_buf_free(&bytes);
}

static void start_transfer(struct ve_softphone *phone, struct ve_str number)
{
    if (phone->options.events->transfer)
        phone->options.events->transfer(phone->options.arg, number);
    phone->stage = TRANSFERRING;
    if (send_webhook(phone, "answered", TRANSFER_CHANNEL) != 0)
        leave(phone, VE_PHONE_FAILED, "the transfer could not be reported");
}

static void take_event(struct ve_softphone *phone, const struct ve_json *json)
{
    struct ve_str event = ve_json_get_str(json, "event");
    if (ve_str_eq(event, VE_STR("break"))) {
        ve_timeline_clear(&phone->timeline, position_now(phone));
        if (phone->resampler)
            (void)ve_resampler_reset(phone->resampler);
    } else if (ve_str_eq(event, VE_STR("transfer")) && phone->stage == TALKING) {
        start_transfer(phone, ve_json_get_str(json, "data"));
    } else if (ve_str_eq(event, VE_STR("digits")) && phone->options.events->digits) {
        char text[24] = "";
        uint64_t number;
        const struct ve_json *data = ve_json_get(json, "data");
        if (ve_json_u64(data, &number) == 0)
            (void)snprintf(text, sizeof(text), "%llu", (unsigned long long)number);
        else
            ve_str_copy(text, sizeof(text), ve_json_str(data));
        phone->options.events->digits(phone->options.arg, ve_str(text));
    }
}

static void take_message(struct ve_softphone *phone)
{
    char why[96];
    struct ve_json *json;
    if (ve_json_parse(&json, ve_buf_str(&phone->text), why) != 0)
        return;
    if (ve_str_eq(ve_json_get_str(json, "type"), VE_STR("streamAudio")))
        take_audio(phone, ve_json_get(json, "data"));
    else
        take_event(phone, json);
    ve_json_free(json);
}

/* --- the media connection --------------------------------------------------------------------- */

static void on_data(void *arg, const uint8_t *bytes, size_t len, bool first, bool last,
                    enum ve_opcode opcode)
{
    struct ve_softphone *phone = arg;
    if (opcode != VE_OP_TEXT)
        return;
    if (first)
        ve_buf_clear(&phone->text);
    if (ve_buf_add(&phone->text, bytes, len) == 0 && last)
        take_message(phone);
}

static void on_closed(void *arg, int code)
{
    struct ve_softphone *phone = arg;
    char why[80];
    phone->conn = NULL;
    (void)snprintf(why, sizeof(why), "the media connection was lost (code %d)", code);
    if (phone->stage == TALKING)
        leave(phone, code == VE_CLOSE_NORMAL ? VE_PHONE_AGENT_HUNG_UP : VE_PHONE_FAILED,
              code == VE_CLOSE_NORMAL ? "" : why);
    finish_if_done(phone);
}

static const struct ve_conn_events conn_events = {on_data, NULL, on_closed};

static int send_message(struct ve_softphone *phone, const void *bytes, size_t len,
                        enum ve_opcode opcode)
{
    struct ve_out *out = phone->conn ? ve_out_new(len) : NULL;
    if (!out)
        return VE_ENOMEM;
    memcpy(ve_out_payload(out), bytes, len);
    out->len = len;
    return ve_conn_send(phone->conn, out, opcode);
}

static void send_frame(struct ve_softphone *phone)
{
    int16_t frame[FRAME] = {0};
    size_t have = phone->speech.len < sizeof(frame) ? phone->speech.len : sizeof(frame);
    if (have)
        memcpy(frame, phone->speech.ptr, have);
    ve_buf_consume(&phone->speech, have);
    (void)ve_timeline_caller(&phone->timeline, frame, FRAME);
    (void)send_message(phone, frame, sizeof(frame), VE_OP_BINARY);
    phone->frames++;
}

/* A frame leaves when its last sample has been spoken. */
static void on_frame(void *arg)
{
    struct ve_softphone *phone = arg;
    phone->options.events->tick(phone->options.arg, position_now(phone));
    if (phone->stage != TALKING && phone->stage != TRANSFERRING)
        return;
    send_frame(phone);
    ve_timer_start_at(&phone->frame, phone->origin + (phone->frames + 1) * FRAME_MS * VE_MS);
}

static void send_metadata(struct ve_softphone *phone)
{
    struct ve_buf text;
    struct ve_jsonw w;
    ve_buf_init(&text, 0);
    ve_jsonw_init(&w, &text);
    ve_jsonw_object(&w);
    ve_jsonw_kstr(&w, "call_id", ve_str(phone->call_id));
    ve_jsonw_kstr(&w, "from", ve_str(phone->from));
    ve_jsonw_kstr(&w, "to", ve_str(phone->to));
    ve_jsonw_ku64(&w, "sampleRate", VE_TIMELINE_RATE);
    ve_jsonw_object_end(&w);
    if (ve_jsonw_end(&w) == 0)
        (void)send_message(phone, text.ptr, text.len, VE_OP_TEXT);
    ve_buf_free(&text);
}

static void on_opened(void *arg, int err, int status, const char *why)
{
    struct ve_softphone *phone = arg;
    char text[160];
    if (err) {
        phone->conn = NULL;
        (void)snprintf(text, sizeof(text), "the media connection was refused (%d): %s", status,
                       why);
        leave(phone, VE_PHONE_FAILED, text);
        finish_if_done(phone);
        return;
    }
    if (phone->stage != CONNECTING)
        return;
    phone->stage = TALKING;
    send_metadata(phone);
    phone->origin = ve_loop_now(phone->options.loop);
    ve_timer_start(&phone->frame, FRAME_MS * VE_MS);
    phone->options.events->connected(phone->options.arg);
}

static void connect_media(struct ve_softphone *phone)
{
    char url[400];
    char bearer[VE_SECRET_MAX + 16];
    (void)snprintf(url, sizeof(url), "%scall_%s", phone->media_url, phone->call_id);
    (void)snprintf(bearer, sizeof(bearer), "Bearer %s", phone->options.secrets->stream_token);
    struct ve_wsc_field field = {"Authorization", ve_str(bearer)};
    struct ve_wsc_options options = {
        .url = ve_str(url),
        .fields = &field,
        .field_count = 1,
        .opened = on_opened,
    };
    phone->stage = CONNECTING;
    if (ve_wsc_connect(phone->options.ws, &options, &conn_events, phone, &phone->conn) != 0)
        leave(phone, VE_PHONE_FAILED, "the media connection could not be started");
}

/* --- the interface ---------------------------------------------------------------------------- */

int ve_phone_new(struct ve_softphone **out, const struct ve_phone_options *options)
{
    struct ve_softphone *phone = ve_alloc(sizeof(*phone));
    if (!phone)
        return VE_ENOMEM;
    phone->options = *options;
    ve_str_copy(phone->call_id, sizeof(phone->call_id), options->call_id);
    ve_str_copy(phone->from, sizeof(phone->from), options->from);
    ve_str_copy(phone->to, sizeof(phone->to), options->to);
    ve_str_copy(phone->http_url, sizeof(phone->http_url), options->http_url);
    ve_str_copy(phone->media_url, sizeof(phone->media_url), options->media_url);
    ve_timer_init(&phone->frame, options->loop, on_frame, phone);
    ve_timer_init(&phone->tell, options->loop, on_tell, phone);
    ve_timer_init(&phone->again, options->loop, on_again, phone);
    ve_timeline_init(&phone->timeline);
    ve_buf_init(&phone->speech, 0);
    ve_buf_init(&phone->text, 4 * 1024 * 1024);
    int err = send_webhook(phone, "ringing", CHANNEL);
    if (err) {
        ve_phone_free(phone);
        return err;
    }
    *out = phone;
    return 0;
}

int ve_phone_say(struct ve_softphone *phone, const int16_t *samples, size_t count)
{
    return ve_buf_add(&phone->speech, samples, count * sizeof(*samples));
}

bool ve_phone_speaking(const struct ve_softphone *phone)
{
    return phone->speech.len > 0;
}

int ve_phone_press(struct ve_softphone *phone, char digit)
{
    char text[64];
    int n = snprintf(text, sizeof(text), "{\"event\":\"dtmf\",\"digit\":\"%c\"}", digit);
    return send_message(phone, text, (size_t)n, VE_OP_TEXT);
}

void ve_phone_hang_up(struct ve_softphone *phone)
{
    if (phone->stage >= LEAVING)
        return;
    phone->owes_hangup = phone->request != NULL;
    if (!phone->request)
        (void)send_webhook(phone, "hangup", CHANNEL);
    leave(phone, VE_PHONE_CALLER_HUNG_UP, "");
}

uint64_t ve_phone_now(const struct ve_softphone *phone)
{
    return phone->origin ? position_now(phone) : 0;
}

struct ve_timeline *ve_phone_timeline(struct ve_softphone *phone)
{
    return &phone->timeline;
}

void ve_phone_free(struct ve_softphone *phone)
{
    if (!phone)
        return;
    ve_timer_stop(&phone->frame);
    ve_timer_stop(&phone->tell);
    ve_timer_stop(&phone->again);
    ve_resampler_free(phone->resampler);
    ve_timeline_free(&phone->timeline);
    ve_buf_free(&phone->speech);
    ve_buf_free(&phone->text);
    ve_free(phone);
}
