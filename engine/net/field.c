#include "net/field.h"

#include <string.h>

bool ve_is_token(const char *text)
{
    return text && text[0] &&
           text[strspn(text, "!#$%&'*+-.^_`|~0123456789"
                             "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")] == '\0';
}

bool ve_has_control(struct ve_str text)
{
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.ptr[i];
        if ((c < 0x20 && c != '\t') || c == 0x7f)
            return true;
    }
    return false;
}

static bool is_reserved(struct ve_str name)
{
    static const char *const reserved[] = {"connection",
                                           "content-length",
                                           "expect",
                                           "host",
                                           "keep-alive",
                                           "proxy-authorization",
                                           "proxy-connection",
                                           "te",
                                           "trailer",
                                           "transfer-encoding",
                                           "upgrade",
                                           "sec-websocket-accept",
                                           "sec-websocket-extensions",
                                           "sec-websocket-key",
                                           "sec-websocket-protocol",
                                           "sec-websocket-version"};
    for (size_t i = 0; i < sizeof(reserved) / sizeof(reserved[0]); i++) {
        if (ve_str_ieq(name, ve_str(reserved[i])))
            return true;
    }
    return false;
}

bool ve_field_is_sendable(const char *name, struct ve_str value)
{
    return ve_is_token(name) && !is_reserved(ve_str(name)) && !ve_has_control(value);
}
