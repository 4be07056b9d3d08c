#include "media/recorder.h"

#include "alloc_fail.h"
#include "audio/wav.h"
#include "base/err.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

struct rig {
    struct ve_loop *loop;
    struct ve_recorder *recorder;
    char dir[64];
    char path[96];
    unsigned done;
    bool closing; /* inside ve_recorder_close */
    struct ve_recorder_result result;
};

static void on_done(void *arg, const struct ve_recorder_result *result)
{
    struct rig *rig = arg;
    assert_false(rig->closing);
    rig->done++;
    rig->result = *result;
}

static void rig_open(struct rig *rig)
{
    memset(rig, 0, sizeof(*rig));
    assert_int_equal(ve_loop_new_sim(&rig->loop, 0), 0);
    (void)snprintf(rig->dir, sizeof(rig->dir), "/tmp/ve-recorder-XXXXXX");
    assert_non_null(mkdtemp(rig->dir));
    (void)snprintf(rig->path, sizeof(rig->path), "%s/call.wav", rig->dir);
}

static void rig_close(struct rig *rig)
{
    ve_loop_free(rig->loop);
    (void)unlink(rig->path);
    assert_int_equal(rmdir(rig->dir), 0);
}

static void record(struct rig *rig, uint32_t rate, unsigned channels)
{
    assert_int_equal(ve_recorder_new(&rig->recorder, rig->loop, rig->path, rate, channels), 0);
}

static int16_t sample_of(size_t i)
{
    return (int16_t)(i * 40503u >> 3);
}

/* `count` frames, numbered from `from` on. */
static int write_frames(struct rig *rig, unsigned channels, size_t from, size_t count)
{
    int16_t *frames = malloc(count * channels * sizeof(*frames));
    assert_non_null(frames);
    for (size_t i = 0; i < count * channels; i++)
        frames[i] = sample_of(from * channels + i);
    int err = ve_recorder_write(rig->recorder, frames, count);
    free(frames);
    return err;
}

static void close_recorder(struct rig *rig)
{
    rig->closing = true;
    ve_recorder_close(rig->recorder, on_done, rig);
    rig->closing = false;
    assert_int_equal(rig->done, 0);
    ve_sim_advance(rig->loop, 100 * VE_MS);
    assert_int_equal(rig->done, 1);
}

static size_t load(const char *path, uint8_t **bytes)
{
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    assert_int_equal(fseek(file, 0, SEEK_END), 0);
    long size = ftell(file);
    rewind(file);
    *bytes = malloc((size_t)size + 1);
    assert_int_equal(fread(*bytes, 1, (size_t)size, file), (size_t)size);
    (void)fclose(file);
    return (size_t)size;
}

/* The file is a WAV of exactly these frames. */
static void expect_file(struct rig *rig, uint32_t rate, unsigned channels, size_t frames)
{
    uint8_t *bytes;
    uint8_t header[VE_WAV_HEADER];
    size_t size = load(rig->path, &bytes);
    assert_int_equal(size, VE_WAV_HEADER + frames * channels * 2);
    ve_wav_header(header, rate, channels, frames);
    assert_memory_equal(bytes, header, VE_WAV_HEADER);
    for (size_t i = 0; i < frames * channels; i++) {
        int16_t sample;
        memcpy(&sample, bytes + VE_WAV_HEADER + 2 * i, 2);
        assert_int_equal(sample, sample_of(i));
    }
    free(bytes);
}

static void every_frame_is_written(void **state)
{
    (void)state;
    static const size_t sizes[] = {1, 160, 3999, 4000, 4001, 50000};
    for (unsigned channels = 1; channels <= 2; channels++) {
        for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
            struct rig rig;
            size_t at = 0;
            rig_open(&rig);
            record(&rig, 8000, channels);
            for (; at < 30000; at += sizes[i]) {
                assert_int_equal(write_frames(&rig, channels, at, sizes[i]), 0);
                ve_sim_advance(rig.loop, 20 * VE_MS);
            }
            close_recorder(&rig);
            assert_int_equal(rig.result.err, 0);
            assert_true(rig.result.frames == at && rig.result.lost == 0);
            expect_file(&rig, 8000, channels, at);
            rig_close(&rig);
        }
    }
}

static void nothing_is_an_empty_file(void **state)
{
    (void)state;
    struct rig rig;
    struct stat info;
    rig_open(&rig);
    record(&rig, 24000, 2);
    assert_int_equal(ve_recorder_write(rig.recorder, NULL, 0), 0);
    close_recorder(&rig);
    assert_int_equal(rig.result.err, 0);
    expect_file(&rig, 24000, 2, 0);
    assert_int_equal(stat(rig.path, &info), 0);
    assert_int_equal(info.st_mode & 0777, 0600);
    rig_close(&rig);
}

static void a_file_that_is_cut_short_says_so(void **state)
{
    (void)state;
    struct rig rig;
    uint8_t *bytes;
    uint8_t header[VE_WAV_HEADER];
    rig_open(&rig);
    record(&rig, 16000, 1);
    assert_int_equal(write_frames(&rig, 1, 0, 7999), 0);
    ve_sim_advance(rig.loop, VE_SECOND);
    assert_int_equal(access(rig.path, F_OK), -1); /* half a second at a time */
    assert_int_equal(write_frames(&rig, 1, 7999, 1), 0);
    ve_sim_advance(rig.loop, VE_SECOND);
    size_t size = load(rig.path, &bytes);
    ve_wav_header(header, 16000, 1, VE_WAV_STREAM);
    assert_memory_equal(bytes, header, VE_WAV_HEADER);
    assert_int_equal(size, VE_WAV_HEADER + 16000);
    free(bytes);
    close_recorder(&rig);
    expect_file(&rig, 16000, 1, 8000);
    rig_close(&rig);
}

static void an_older_file_is_replaced(void **state)
{
    (void)state;
    struct rig rig;
    rig_open(&rig);
    for (size_t count = 20000; count; count /= 100) {
        record(&rig, 8000, 1);
        assert_int_equal(write_frames(&rig, 1, 0, count), 0);
        rig.done = 0;
        close_recorder(&rig);
        expect_file(&rig, 8000, 1, count);
    }
    rig_close(&rig);
}

static void a_disk_that_is_slow_loses_blocks_and_says_so(void **state)
{
    (void)state;
    struct rig rig;
    rig_open(&rig);
    record(&rig, 8000, 1);
    /* All in one step: no block can come back meanwhile. */
    assert_int_equal(write_frames(&rig, 1, 0, 30 * 4000 + 5), 0);
    close_recorder(&rig);
    assert_int_equal(rig.result.err, 0);
    assert_true(rig.result.frames == 20 * 4000);
    assert_true(rig.result.lost == 10 * 4000 + 5);
    expect_file(&rig, 8000, 1, 20 * 4000);
    rig_close(&rig);
}

static void a_file_that_cannot_be_made_is_an_error(void **state)
{
    (void)state;
    struct rig rig;
    char target[128];
    rig_open(&rig);
    char *path = strdup(rig.path);
    (void)snprintf(rig.path, sizeof(rig.path), "%s/no/such.wav", rig.dir);
    record(&rig, 8000, 1);
    assert_int_equal(write_frames(&rig, 1, 0, 9000), 0);
    close_recorder(&rig);
    assert_int_equal(rig.result.err, VE_EIO);
    assert_true(rig.result.frames == 0);
    /* A link that somebody has put there is not followed. */
    (void)snprintf(rig.path, sizeof(rig.path), "%s", path);
    (void)snprintf(target, sizeof(target), "%s/elsewhere", rig.dir);
    assert_int_equal(symlink(target, rig.path), 0);
    record(&rig, 8000, 1);
    rig.done = 0;
    close_recorder(&rig);
    assert_int_equal(rig.result.err, VE_EIO);
    assert_int_equal(access(target, F_OK), -1);
    free(path);
    rig_close(&rig);
}

static void forgotten_is_not_told(void **state)
{
    (void)state;
    struct rig rig;
    rig_open(&rig);
    long before = test_alloc_live();
    record(&rig, 8000, 1);
    assert_int_equal(write_frames(&rig, 1, 0, 5000), 0);
    ve_recorder_close(rig.recorder, on_done, &rig);
    ve_recorder_forget(rig.recorder);
    ve_sim_advance(rig.loop, VE_SECOND);
    assert_int_equal(rig.done, 0);
    assert_int_equal(test_alloc_live(), before);
    expect_file(&rig, 8000, 1, 5000);
    record(&rig, 8000, 1);
    ve_recorder_close(rig.recorder, NULL, NULL);
    ve_sim_advance(rig.loop, VE_SECOND);
    expect_file(&rig, 8000, 1, 0);
    rig_close(&rig);
}

static void an_end_of_the_loop_ends_the_recording(void **state)
{
    (void)state;
    struct rig rig;
    rig_open(&rig);
    record(&rig, 8000, 1);
    assert_int_equal(write_frames(&rig, 1, 0, 5000), 0);
    ve_recorder_close(rig.recorder, on_done, &rig);
    rig_close(&rig); /* whatever is under way comes back */
    assert_int_equal(rig.done, 1);
}

static void what_makes_no_sense_is_refused(void **state)
{
    (void)state;
    struct rig rig;
    struct ve_recorder *recorder;
    static char path[8192];
    rig_open(&rig);
    assert_int_equal(ve_recorder_new(&recorder, rig.loop, rig.path, 7999, 1), VE_EINVAL);
    assert_int_equal(ve_recorder_new(&recorder, rig.loop, rig.path, 48001, 1), VE_EINVAL);
    assert_int_equal(ve_recorder_new(&recorder, rig.loop, rig.path, 8000, 0), VE_EINVAL);
    assert_int_equal(ve_recorder_new(&recorder, rig.loop, rig.path, 8000, 3), VE_EINVAL);
    memset(path, 'a', sizeof(path) - 1);
    assert_int_equal(ve_recorder_new(&recorder, rig.loop, path, 8000, 1), VE_ETOOBIG);
    rig_close(&rig);
}

/* However it fails: `done` comes once, in a later step, and says what is missing. */
static int record_all(void *arg)
{
    struct rig *rig = arg;
    int err = ve_recorder_new(&rig->recorder, rig->loop, rig->path, 8000, 2);
    if (err)
        return err;
    for (size_t at = 0; at < 12000; at += 500)
        (void)write_frames(rig, 2, at, 500);
    rig->done = 0;
    close_recorder(rig);
    assert_true(rig->result.frames + rig->result.lost == 12000);
    return rig->result.err ? rig->result.err : rig->result.lost ? VE_ENOMEM : 0;
}

static void without_memory(void **state)
{
    (void)state;
    struct rig rig;
    rig_open(&rig);
    assert_true(test_alloc_sweep(record_all, &rig) >= 5);
    expect_file(&rig, 8000, 2, 12000);
    rig_close(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_frame_is_written),
        cmocka_unit_test(nothing_is_an_empty_file),
        cmocka_unit_test(a_file_that_is_cut_short_says_so),
        cmocka_unit_test(an_older_file_is_replaced),
        cmocka_unit_test(a_disk_that_is_slow_loses_blocks_and_says_so),
        cmocka_unit_test(a_file_that_cannot_be_made_is_an_error),
        cmocka_unit_test(forgotten_is_not_told),
        cmocka_unit_test(an_end_of_the_loop_ends_the_recording),
        cmocka_unit_test(what_makes_no_sense_is_refused),
        cmocka_unit_test(without_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
