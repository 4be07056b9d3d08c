/*
 * A text of any bytes can be read aloud: plain characters in pieces of a bounded length, in order,
 * each character with the byte of the text that it came from.
 */
#include "base/err.h"
#include "speech/spoken.h"

#include <stdlib.h>
#include <string.h>

static void must(bool holds)
{
    if (!holds)
        abort();
}

static void check_chars(const struct ve_spoken *spoken, size_t size)
{
    for (size_t i = 0; i < spoken->count; i++) {
        char c = spoken->chars[i];
        must((c >= ' ' && c < 127) || c == '\n');
        must(spoken->from[i] < size);
        must(i == 0 || spoken->from[i] >= spoken->from[i - 1]);
    }
}

static void check_pieces(const struct ve_spoken *spoken)
{
    size_t begin = 0;
    size_t end = 0;
    size_t last = 0;
    while (ve_spoken_next(spoken, &begin, &end)) {
        must(begin >= last && begin < end && end <= spoken->count);
        must(end - begin <= VE_SPOKEN_PIECE_MAX);
        must(spoken->chars[begin] != ' ' && spoken->chars[end - 1] != ' ');
        last = end;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct ve_spoken spoken;
    int err = ve_spoken_init(&spoken, ve_str_n((const char *)data, size));
    must(err == (size > VE_SPOKEN_TEXT_MAX ? VE_ETOOBIG : 0));
    if (err)
        return 0;
    check_chars(&spoken, size);
    check_pieces(&spoken);
    ve_spoken_free(&spoken);
    return 0;
}
