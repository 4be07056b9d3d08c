#include "carrier/control.h"

#include "base/json.h"

static int write_event(struct ve_buf *out, const char *event, const char *key, struct ve_str value)
{
    struct ve_jsonw w;
    ve_jsonw_init(&w, out);
    ve_jsonw_object(&w);
    ve_jsonw_kstr(&w, "event", ve_str(event));
    ve_jsonw_kstr(&w, key, value);
    ve_jsonw_object_end(&w);
    return ve_jsonw_end(&w);
}

/* Ringover's sample shows a bare number; text is needed for '*', '#' and leading zeros. */
int ve_control_digits(struct ve_carrier *carrier, struct ve_str digits, struct ve_buf *out)
{
    uint64_t number;
    (void)carrier;
    if (digits.len && digits.len < 16 && digits.ptr[0] != '0' &&
        ve_str_u64(&number, digits, UINT64_MAX) == 0)
        return ve_buf_printf(out, "{\"event\":\"digits\",\"data\":%llu}",
                             (unsigned long long)number);
    return write_event(out, "digits", "data", digits);
}

/* Numbers travel without '+'. */
int ve_control_transfer(struct ve_carrier *carrier, struct ve_str number, struct ve_buf *out)
{
    (void)carrier;
    if (number.len && number.ptr[0] == '+') {
        number.ptr++;
        number.len--;
    }
    return write_event(out, "transfer", "data", number);
}

int ve_control_play_url(struct ve_carrier *carrier, struct ve_str url, struct ve_buf *out)
{
    (void)carrier;
    return write_event(out, "play", "file", url);
}
