#include "speech/text.h"

#include <string.h>

struct latin {
    uint16_t first; /* code point of the first character of `to` */
    const char *to; /* a blank-separated replacement for each from there on; "-" for none */
};

/* Latin-1 and Latin Extended-A, in order. */
static const struct latin latin[] = {
    {0xC0, "A A A A A A AE C E E E E I I I I D N O O O O O - O U U U U Y Th ss"},
    {0xE0, "a a a a a a ae c e e e e i i i i d n o o o o o - o u u u u y th y"},
    {0x100, "A a A a A a C c C c C c C c D d D d E e E e E e E e E e G g G g G g G g"},
    {0x124, "H h H h I i I i I i I i I i IJ ij J j K k k L l L l L l L l L l N n N n N n n"},
    {0x14A, "Ng ng O o O o O o OE oe R r R r R r S s S s S s S s T t T t T t"},
    {0x168, "U u U u U u U u U u U u W w Y y Y Z z Z z Z z s"},
};

struct mark {
    uint16_t code;
    const char *to;
};

static const struct mark marks[] = {
    {0xA3, " pound "}, {0xB0, " degrees "}, {0xB2, "2"},   {0xB3, "3"},    {0xB9, "1"},
    {0x2010, "-"},     {0x2011, "-"},       {0x2012, "-"}, {0x2013, ","},  {0x2014, ","},
    {0x2018, "'"},     {0x2019, "'"},       {0x201A, ","}, {0x201B, "'"},  {0x201C, "\""},
    {0x201D, "\""},    {0x2026, "..."},     {0x2032, "'"}, {0x2033, "\""}, {0x20AC, " euro "},
    {0x2212, "-"},     {0x3002, "."},       {0xFF0C, ","},
};

/* The replacement number `index` of a blank-separated list; empty when there is none. */
static struct ve_str pick(const char *list, unsigned index)
{
    struct ve_str rest = ve_str(list);
    for (; index > 0 && rest.ptr; index--)
        (void)ve_str_cut(&rest, ' ');
    struct ve_str item = rest.ptr ? ve_str_cut(&rest, ' ') : ve_str_n(NULL, 0);
    return ve_str_eq(item, VE_STR("-")) ? ve_str_n(NULL, 0) : item;
}

static struct ve_str replacement(uint32_t code)
{
    for (size_t i = 0; i < sizeof(marks) / sizeof(marks[0]); i++) {
        if (marks[i].code == code)
            return ve_str(marks[i].to);
    }
    for (size_t i = sizeof(latin) / sizeof(latin[0]); i-- > 0;) {
        if (code >= latin[i].first && code < 0x180)
            return pick(latin[i].to, code - latin[i].first);
    }
    return ve_str_n(NULL, 0);
}

/* One character of UTF-8; a byte that starts none counts as one character without meaning. */
static size_t decode(struct ve_str text, uint32_t *code)
{
    static const uint8_t lead_bits[] = {0, 0, 0x1F, 0x0F, 0x07};
    uint8_t first = (uint8_t)text.ptr[0];
    size_t len = first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : first >= 0xC2 ? 2 : 1;
    *code = 0xFFFD;
    if (len == 1 || len > text.len || !ve_str_utf8(ve_str_n(text.ptr, len)))
        return 1;
    *code = first & lead_bits[len];
    for (size_t i = 1; i < len; i++)
        *code = *code << 6 | ((uint8_t)text.ptr[i] & 0x3F);
    return len;
}

static bool is_silent(uint32_t code)
{
    return code == 0xAD || (code >= 0x300 && code <= 0x36F) || (code >= 0x200B && code <= 0x200D) ||
           code == 0xFEFF;
}

size_t ve_text_ascii(struct ve_str text, char out[static VE_TEXT_ASCII_MAX], size_t *out_len)
{
    uint8_t byte = (uint8_t)text.ptr[0];
    *out_len = 1;
    if (byte < 0x80) {
        out[0] = byte > ' ' && byte < 0x7F ? (char)byte : ' ';
        return 1;
    }
    uint32_t code;
    size_t used = decode(text, &code);
    if (is_silent(code)) {
        *out_len = 0;
        return used;
    }
    struct ve_str to = replacement(code);
    if (to.len == 0)
        to = VE_STR(" ");
    *out_len = to.len < VE_TEXT_ASCII_MAX ? to.len : VE_TEXT_ASCII_MAX;
    memcpy(out, to.ptr, *out_len);
    return used;
}

static char word_char(char c)
{
    if (c >= 'A' && c <= 'Z')
        return (char)(c - 'A' + 'a');
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '\'' ? c : 0;
}

size_t ve_text_word(struct ve_str *rest, char *out, size_t size)
{
    size_t len = 0;
    while (rest->len > 0) {
        char ascii[VE_TEXT_ASCII_MAX];
        size_t count;
        size_t used = ve_text_ascii(*rest, ascii, &count);
        bool inside = count == 0 || word_char(ascii[0]);
        if (!inside && len > 0)
            break;
        for (size_t i = 0; i < count; i++) {
            char c = word_char(ascii[i]);
            if (c && (c != '\'' || len > 0) && len < size)
                out[len++] = c;
        }
        rest->ptr += used;
        rest->len -= used;
    }
    while (len > 0 && out[len - 1] == '\'')
        len--;
    return len;
}
