#include "carrier/ringover_facts.h"

#include "carrier/event.h"
#include "carrier/ringover_values.h"

#include <string.h>

/* Webhooks count IVRs from here on down; the dashboard and the REST API do not. */
#define IVR_OFFSET 10000

/* How a member of `data` becomes a fact. */
enum form {
    TEXT,    /* a string as it is */
    CODE,    /* text or number, as text: leading zeros stay */
    ID,      /* digits */
    FLAG,    /* only told when it is set */
    TIME,    /* seconds since 1970 */
    MACHINE, /* of answering machine detection */
};

struct fact {
    const char *name; /* ours */
    const char *from; /* Ringover's */
    enum form form;
};

/* Of two rows with one name the first that holds something wins: authenticated links come before
 * the public ones, which are going away. */
static const struct fact facts[] = {
    {"status", "status", TEXT},
    {"internal", "is_internal", FLAG},
    {"anonymous", "is_anonymous", FLAG},
    {"started_at", "start_time", TIME},
    {"started_at", "start_date_time_atom", TIME},
    {"answered_at", "answered_time", TIME},
    {"answered_at", "answered_date_time_atom", TIME},
    {"ended_at", "hangup_time", TIME},
    {"ended_at", "hangup_date_time_atom", TIME},
    {"sent_at", "time", TIME},
    {"answered_by", "answering_machine_detection", MACHINE},
    {"record", "private_record", TEXT},
    {"record", "private_record_link", TEXT},
    {"record", "record", TEXT},
    {"record", "record_link", TEXT},
    {"message", "private_message", TEXT},
    {"message", "private_voicemail_link", TEXT},
    {"message", "message", TEXT},
    {"message", "voicemail_link", TEXT},
    {"transcription", "transcription_url", TEXT},
    {"transcription", "transcription_link", TEXT},
    {"comments", "comments", TEXT},
    {"code", "code", CODE},
    {"query", "query_search", CODE},
    {"text", "body", TEXT},
    {"message_id", "message_id", ID},
    {"conversation_id", "conversation_id", ID},
    {"collaborative", "is_collaborative", FLAG},
};

#define FACTS (sizeof(facts) / sizeof(facts[0]))

static bool put_text(struct ve_jsonw *w, const char *name, struct ve_str text)
{
    if (text.len)
        ve_jsonw_kstr(w, name, text);
    return text.len > 0;
}

static bool put_time(struct ve_jsonw *w, const char *name, int64_t ms)
{
    if (ms) {
        ve_jsonw_key(w, name);
        ve_jsonw_double(w, (double)ms / 1000.0, 3);
    }
    return ms != 0;
}

static bool put_machine(struct ve_jsonw *w, const char *name, struct ve_str text)
{
    static const char *const words[][2] = {
        {"HUMAN", "human"}, {"MACHINE", "machine"}, {"NOTSURE", "unsure"}};
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (ve_str_ieq(text, ve_str(words[i][0])))
            return put_text(w, name, ve_str(words[i][1]));
    }
    return false;
}

/* Returns whether there was something to tell. */
static bool put_fact(struct ve_jsonw *w, const struct fact *fact, const struct ve_json *value)
{
    char small[128];
    switch (fact->form) {
    case TEXT:
        return put_text(w, fact->name, ve_json_str(value));
    case CODE:
        if (ve_json_type(value) == VE_JSON_STRING)
            return put_text(w, fact->name, ve_json_str(value));
        ve_ringover_text(small, sizeof(small), value);
        return put_text(w, fact->name, ve_str(small));
    case ID:
        ve_ringover_id(small, sizeof(small), value);
        return put_text(w, fact->name, ve_str(small));
    case FLAG:
        if (ve_ringover_flag(value))
            ve_jsonw_kbool(w, fact->name, true);
        return true;
    case TIME:
        return put_time(w, fact->name, ve_ringover_ms(value));
    case MACHINE:
        return put_machine(w, fact->name, ve_json_str(value));
    }
    return false;
}

static void put_facts(struct ve_jsonw *w, const struct ve_json *data)
{
    const char *told = "";
    for (size_t i = 0; i < FACTS; i++) {
        const struct ve_json *value = ve_json_get(data, facts[i].from);
        if (value && strcmp(told, facts[i].name) != 0 && put_fact(w, &facts[i], value))
            told = facts[i].name;
    }
}

/* The first of the spellings that holds a text. */
static struct ve_str either(const struct ve_json *json, const char *one, const char *other)
{
    struct ve_str text = ve_json_get_str(json, one);
    return text.len ? text : ve_json_get_str(json, other);
}

/* --- who ---------------------------------------------------------------------------------------
 */

/* "USER12345678" is the user 12345678. */
static struct ve_str without_letters(struct ve_str text)
{
    while (text.len && ((text.ptr[0] >= 'A' && text.ptr[0] <= 'Z') ||
                        (text.ptr[0] >= 'a' && text.ptr[0] <= 'z'))) {
        text.ptr++;
        text.len--;
    }
    return text;
}

static void user_id(char *out, size_t size, const struct ve_json *value)
{
    uint64_t number;
    struct ve_str text = without_letters(ve_json_str(value));
    ve_ringover_id(out, size, value);
    if (!out[0] && text.len < size && ve_str_u64(&number, text, UINT64_MAX) == 0)
        (void)ve_str_copy(out, size, text);
}

static void put_user(struct ve_jsonw *w, const struct ve_json *data)
{
    char id[VE_CALL_ID_MAX + 1];
    const struct ve_json *user = ve_json_get(data, "user");
    user_id(id, sizeof(id), ve_json_get(user, "user_id"));
    if (!id[0])
        user_id(id, sizeof(id), ve_json_get(user, "userId"));
    if (!id[0])
        user_id(id, sizeof(id), ve_json_get(data, "user_id"));
    if (!id[0] && ve_json_count(user) == 0)
        return;
    ve_jsonw_key(w, "user");
    ve_jsonw_object(w);
    (void)put_text(w, "id", ve_str(id));
    (void)put_text(w, "firstname", ve_json_get_str(user, "firstname"));
    (void)put_text(w, "lastname", ve_json_get_str(user, "lastname"));
    (void)put_text(w, "email", ve_json_get_str(user, "email"));
    (void)put_text(w, "photo", ve_json_get_str(user, "photo"));
    ve_jsonw_object_end(w);
}

/* --- through which menu ------------------------------------------------------------------------
 */

static void put_number(struct ve_jsonw *w, const struct ve_json *value)
{
    char number[40];
    ve_ringover_phone(number, sizeof(number), value);
    (void)put_text(w, "number", ve_str(number));
}

static void put_scenario(struct ve_jsonw *w, const struct ve_json *scenario)
{
    char text[VE_CALL_ID_MAX + 1];
    uint64_t id;
    ve_ringover_id(text, sizeof(text), ve_json_get(scenario, "ivr_id"));
    if (text[0] && ve_str_u64(&id, ve_str(text), UINT64_MAX - IVR_OFFSET) == 0)
        ve_jsonw_ku64(w, "id", id + IVR_OFFSET);
    ve_ringover_id(text, sizeof(text), ve_json_get(scenario, "scenario_id"));
    if (text[0] && ve_str_u64(&id, ve_str(text), UINT64_MAX) == 0)
        ve_jsonw_ku64(w, "scenario_id", id);
    (void)put_text(w, "scenario", ve_json_get_str(scenario, "name"));
    (void)put_text(w, "type", ve_json_get_str(scenario, "scenario_type"));
}

/* `ivr` where there is one, else the older `ivr_data`. */
static void put_ivr(struct ve_jsonw *w, const struct ve_json *data)
{
    const struct ve_json *ivr = ve_json_get(data, "ivr");
    const struct ve_json *old = ve_json_get(data, "ivr_data");
    if (ve_json_type(ivr) == VE_JSON_OBJECT && ve_json_count(ivr)) {
        ve_jsonw_key(w, "ivr");
        ve_jsonw_object(w);
        (void)put_text(w, "name", ve_json_get_str(ivr, "name"));
        put_number(w, ve_json_get(ivr, "number"));
        put_scenario(w, ve_json_get(ivr, "scenario"));
        ve_jsonw_object_end(w);
    } else if (ve_json_type(old) == VE_JSON_OBJECT && ve_json_count(old)) {
        ve_jsonw_key(w, "ivr");
        ve_jsonw_object(w);
        (void)put_text(w, "name", either(old, "ivr_name", "ivrName"));
        put_number(w, ve_json_get(old, "number"));
        (void)put_text(w, "scenario", either(old, "scenario_name", "scenarioName"));
        ve_jsonw_object_end(w);
    }
}

/* --- after the call ----------------------------------------------------------------------------
 */

/* Texts, or objects with a name. */
static void put_tags(struct ve_jsonw *w, const struct ve_json *tags)
{
    if (ve_json_type(tags) != VE_JSON_ARRAY)
        return;
    ve_jsonw_key(w, "tags");
    ve_jsonw_array(w);
    for (size_t i = 0; i < ve_json_count(tags); i++) {
        const struct ve_json *tag = ve_json_at(tags, i);
        struct ve_str text = ve_json_str(tag);
        if (!text.len)
            text = ve_json_get_str(tag, "name");
        if (text.len)
            ve_jsonw_str(w, text);
    }
    ve_jsonw_array_end(w);
}

/* A text, or an object that holds it. */
static void put_summary(struct ve_jsonw *w, const struct ve_json *summary)
{
    struct ve_str text = ve_json_str(summary);
    if (!text.len)
        text = either(summary, "text", "content");
    (void)put_text(w, "summary", text);
}

int ve_ringover_facts(const struct ve_json *data, struct ve_buf *out)
{
    struct ve_jsonw w;
    ve_jsonw_init(&w, out);
    ve_jsonw_object(&w);
    put_facts(&w, data);
    put_user(&w, data);
    put_ivr(&w, data);
    put_tags(&w, ve_json_get(data, "tags"));
    put_summary(&w, ve_json_get(data, "summary"));
    ve_jsonw_object_end(&w);
    return ve_jsonw_end(&w);
}
