#include "audio/wav.h"

#include "audio/g711.h"
#include "base/err.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* A file under construction; bytes behind `len` are never to be read. */
struct file {
    uint8_t bytes[4096];
    size_t len;
};

static void put(struct file *file, const void *bytes, size_t len)
{
    memcpy(file->bytes + file->len, bytes, len);
    file->len += len;
}

static void put_number(struct file *file, uint32_t value, size_t size)
{
    for (size_t i = 0; i < size; i++)
        file->bytes[file->len++] = (uint8_t)(value >> (8 * i));
}

static void put_chunk(struct file *file, const char *name, uint32_t size)
{
    put(file, name, 4);
    put_number(file, size, 4);
}

/* RIFF and format; the samples are up to the test. */
static void start(struct file *file, unsigned tag, unsigned channels, uint32_t rate, unsigned bits)
{
    file->len = 0;
    put_chunk(file, "RIFF", 36);
    put(file, "WAVE", 4);
    put_chunk(file, "fmt ", 16);
    put_number(file, tag, 2);
    put_number(file, channels, 2);
    put_number(file, rate, 4);
    put_number(file, rate * channels * bits / 8, 4);
    put_number(file, channels * bits / 8, 2);
    put_number(file, bits, 2);
}

/* Parses a copy that ends where the memory does, so that a sanitizer sees every step too far. */
static int parse(struct ve_wav *wav, const struct file *file, uint8_t **copy)
{
    *copy = malloc(file->len ? file->len : 1);
    assert_non_null(*copy);
    memcpy(*copy, file->bytes, file->len);
    return ve_wav_parse(wav, *copy, file->len);
}

static void expect(const struct file *file, int err)
{
    struct ve_wav wav;
    uint8_t *copy = NULL;
    assert_int_equal(parse(&wav, file, &copy), err);
    free(copy);
}

static void formats_become_s16(void **state)
{
    (void)state;
    static const struct {
        unsigned tag;
        unsigned bits;
        enum ve_wav_format format;
        uint8_t bytes[16];
        int16_t want[4];
    } cases[] = {
        {1, 8, VE_WAV_U8, {0, 128, 255, 129}, {-32768, 0, 32512, 256}},
        {1, 16, VE_WAV_S16, {1, 0, 0xff, 0xff, 0, 0x80, 0xff, 0x7f}, {1, -1, -32768, 32767}},
        {1,
         24,
         VE_WAV_S24,
         {9, 1, 0, 9, 0xff, 0xff, 0, 0, 0x80, 9, 0xff, 0x7f},
         {1, -1, -32768, 32767}},
        {1,
         32,
         VE_WAV_S32,
         {9, 9, 1, 0, 9, 9, 0xff, 0xff, 0, 0, 0, 0x80, 9, 9, 0xff, 0x7f},
         {1, -1, -32768, 32767}},
        /* 0.5, -1.0, 2.0, not a number */
        {3,
         32,
         VE_WAV_F32,
         {0, 0, 0, 0x3f, 0, 0, 0x80, 0xbf, 0, 0, 0, 0x40, 0, 0, 0xc0, 0x7f},
         {16384, -32768, 32767, 0}},
        {6, 8, VE_WAV_ALAW, {0xd5, 0xaa, 0x2a, 0x55}, {8, 32256, -32256, -8}},
        {7, 8, VE_WAV_ULAW, {0xff, 0x80, 0x00, 0x7f}, {0, 32124, -32124, 0}},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct file file;
        struct ve_wav wav;
        uint8_t *copy = NULL;
        int16_t out[5] = {7, 7, 7, 7, 7};
        uint32_t size = 4 * cases[i].bits / 8;
        start(&file, cases[i].tag, 2, 22050, cases[i].bits);
        put_chunk(&file, "data", size);
        put(&file, cases[i].bytes, size);
        assert_int_equal(parse(&wav, &file, &copy), 0);
        assert_int_equal(wav.format, cases[i].format);
        assert_int_equal(wav.rate, 22050);
        assert_int_equal(wav.channels, 2);
        assert_int_equal(wav.frames, 2);
        assert_int_equal(wav.offset, VE_WAV_HEADER);
        assert_int_equal(ve_wav_read(&wav, 0, out, 10), 2);
        assert_memory_equal(out, cases[i].want, 8);
        assert_int_equal(out[4], 7);
        assert_int_equal(ve_wav_read(&wav, 1, out, 10), 1);
        assert_memory_equal(out, cases[i].want + 2, 4);
        assert_int_equal(ve_wav_read(&wav, 2, out, 10), 0);
        assert_int_equal(ve_wav_read(&wav, SIZE_MAX, out, 10), 0);
        free(copy);
    }
}

static void mono_is_the_mean(void **state)
{
    (void)state;
    struct file file;
    struct ve_wav wav;
    uint8_t *copy = NULL;
    int16_t out[200];
    start(&file, 1, 3, 8000, 16);
    put_chunk(&file, "data", 600);
    for (uint32_t i = 0; i < 100; i++) {
        put_number(&file, 30000, 2);
        put_number(&file, 30000, 2);
        put_number(&file, i * 3, 2);
    }
    assert_int_equal(parse(&wav, &file, &copy), 0);
    assert_int_equal(ve_wav_read_mono(&wav, 0, out, 200), 100);
    for (int i = 0; i < 100; i++)
        assert_int_equal(out[i], 20000 + i);
    assert_int_equal(ve_wav_read_mono(&wav, 90, out, 5), 5);
    assert_int_equal(out[4], 20094);
    free(copy);
}

static void lengths_are_not_believed(void **state)
{
    (void)state;
    const uint32_t bogus[] = {0, 9, 12, 0x7ffff000, UINT32_MAX};
    const size_t frames[] = {5, 4, 5, 5, 5};
    for (size_t i = 0; i < 5; i++) {
        struct file file;
        struct ve_wav wav;
        uint8_t *copy = NULL;
        start(&file, 1, 1, 8000, 16);
        put_chunk(&file, "data", bogus[i]);
        put(&file, "aabbccddee?", 11); /* half a sample too much */
        assert_int_equal(parse(&wav, &file, &copy), 0);
        assert_int_equal(wav.frames, frames[i]);
        free(copy);
    }
}

static void other_chunks_are_passed_over(void **state)
{
    (void)state;
    struct file file;
    struct ve_wav wav;
    uint8_t *copy = NULL;
    start(&file, 1, 1, 16000, 16);
    put_chunk(&file, "LIST", 5);
    put(&file, "hello\0", 6); /* padded to an even length */
    put_chunk(&file, "data", 2);
    put_number(&file, 1234, 2);
    put_chunk(&file, "LIST", 4);
    put(&file, "bye!", 4);
    assert_int_equal(parse(&wav, &file, &copy), 0);
    assert_int_equal(wav.frames, 1);
    int16_t out = 0;
    assert_int_equal(ve_wav_read(&wav, 0, &out, 1), 1);
    assert_int_equal(out, 1234);
    free(copy);
}

static void the_extensible_form_is_understood(void **state)
{
    (void)state;
    struct file file;
    struct ve_wav wav;
    uint8_t *copy = NULL;
    start(&file, 0xfffe, 1, 48000, 32);
    file.bytes[16] = 40;
    put_number(&file, 22, 2);
    put_number(&file, 32, 2);
    put_number(&file, 4, 4);
    put_number(&file, 3, 2); /* float */
    put(&file, "\0\0\0\0\x10\0\x80\0\0\xaa\0\x38\x9b\x71", 14);
    put_chunk(&file, "data", 4);
    put(&file, "\0\0\0\x3f", 4);
    assert_int_equal(parse(&wav, &file, &copy), 0);
    assert_int_equal(wav.format, VE_WAV_F32);
    assert_int_equal(wav.frames, 1);
    free(copy);
}

static void what_is_no_wav_is_refused(void **state)
{
    (void)state;
    struct file file = {.len = 0};
    put(&file, "ID3\x04 an mp3 file", 16);
    expect(&file, VE_EPROTO);
    start(&file, 1, 1, 8000, 16);
    memcpy(file.bytes, "RIFX", 4);
    expect(&file, VE_EPROTO);
    start(&file, 1, 0, 8000, 16); /* no channel */
    expect(&file, VE_EPROTO);
    start(&file, 1, 1, 0, 16); /* no rate */
    expect(&file, VE_EPROTO);
    start(&file, 1, 33, 8000, 16);
    expect(&file, VE_ENOTSUP);
    start(&file, 1, 1, 400000, 16);
    expect(&file, VE_ENOTSUP);
    start(&file, 85, 1, 8000, 16); /* mp3 in a WAV */
    expect(&file, VE_ENOTSUP);
    start(&file, 1, 1, 8000, 12);
    expect(&file, VE_ENOTSUP);
    start(&file, 3, 1, 8000, 64);
    expect(&file, VE_ENOTSUP);
    start(&file, 1, 2, 8000, 16);
    file.bytes[32] = 3; /* a frame of two channels is not three bytes */
    expect(&file, VE_EPROTO);
    start(&file, 1, 1, 8000, 16);
    file.bytes[16] = 14; /* a short format chunk */
    expect(&file, VE_EPROTO);
    file.len = 12;
    put_chunk(&file, "data", 100); /* samples before their format */
    expect(&file, VE_EPROTO);
    start(&file, 1, 1, 8000, 16);
    for (int i = 0; i < 64; i++)
        put_chunk(&file, "junk", 0);
    put_chunk(&file, "data", 0);
    expect(&file, VE_EPROTO);
}

static void a_header_that_is_still_coming_is_awaited(void **state)
{
    (void)state;
    struct file file;
    start(&file, 1, 1, 8000, 16);
    put_chunk(&file, "LIST", 6);
    put(&file, "abcdef", 6);
    put_chunk(&file, "data", 0);
    size_t header = file.len;
    for (file.len = 0; file.len < header; file.len++)
        expect(&file, VE_EBUSY);
    expect(&file, 0);
}

static void headers_we_write(void **state)
{
    (void)state;
    uint8_t bytes[VE_WAV_HEADER + 12] = {0};
    struct ve_wav wav;
    ve_wav_header(bytes, 16000, 2, 3);
    assert_int_equal(ve_wav_parse(&wav, bytes, sizeof(bytes)), 0);
    assert_int_equal(wav.format, VE_WAV_S16);
    assert_int_equal(wav.rate, 16000);
    assert_int_equal(wav.channels, 2);
    assert_int_equal(wav.frames, 3);
    assert_memory_equal(bytes + 4, "\x30\0\0\0", 4); /* the file's length less 8 */
    assert_memory_equal(bytes + 28, "\0\xfa\0\0\4\0\x10\0", 8);
    assert_memory_equal(bytes + 40, "\x0c\0\0\0", 4);
    ve_wav_header(bytes, 8000, 1, VE_WAV_STREAM);
    assert_memory_equal(bytes + 4, "\xff\xff\xff\xff", 4);
    assert_memory_equal(bytes + 40, "\xff\xff\xff\xff", 4);
    assert_int_equal(ve_wav_parse(&wav, bytes, sizeof(bytes)), 0);
    assert_int_equal(wav.frames, 6);
    ve_wav_header(bytes, 8000, 2, 1ull << 30); /* 4 GiB: more than the fields hold */
    assert_memory_equal(bytes + 40, "\xff\xff\xff\xff", 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(formats_become_s16),
        cmocka_unit_test(mono_is_the_mean),
        cmocka_unit_test(lengths_are_not_believed),
        cmocka_unit_test(other_chunks_are_passed_over),
        cmocka_unit_test(the_extensible_form_is_understood),
        cmocka_unit_test(what_is_no_wav_is_refused),
        cmocka_unit_test(a_header_that_is_still_coming_is_awaited),
        cmocka_unit_test(headers_we_write),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
