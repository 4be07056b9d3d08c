#include "speech/verdict.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define MARGIN 20 /* frames of silence on both sides */

/* A phrase of two words, with the figures of one that was really said. */
struct scene {
    struct ve_evidence evidence;
    struct ve_ear_range range;
};

static void set_scores(struct scene *scene, size_t begin, size_t end, float phrase, float sounds)
{
    for (size_t i = begin; i < end; i++) {
        scene->evidence.phrase[i] = phrase;
        scene->evidence.sounds[i] = sounds;
    }
}

/* Words of `phones` phones that last `length` frames each. */
static void make_scene(struct scene *scene, uint16_t phones, uint16_t length)
{
    struct ve_evidence *e = &scene->evidence;
    memset(scene, 0, sizeof(*scene));
    memcpy(e->text, "sales please", sizeof("sales please"));
    e->frames = 2 * MARGIN + 2u * length;
    uint16_t middle = (uint16_t)(MARGIN + length);
    uint16_t end = (uint16_t)(middle + length);
    e->spells[0] = (struct ve_spell){.begin = 0, .end = MARGIN};
    e->spells[1] = (struct ve_spell){MARGIN, middle, 0, phones};
    e->spells[2] = (struct ve_spell){middle, end, phones, phones};
    e->spells[3] = (struct ve_spell){.begin = end, .end = (uint16_t)e->frames};
    e->spell_count = 4;
    e->phone_count = e->heard_count = 2u * phones;
    for (uint16_t i = 0; i < 2 * phones; i++) {
        uint16_t begin = (uint16_t)(MARGIN + i * length / phones);
        e->phones[i] = (uint8_t)(1 + i * 7 % 39);
        /* Every third one is misheard, as happens. */
        uint8_t heard = (uint8_t)(i % 3 ? e->phones[i] : 1 + (i * 7 + 20) % 39);
        e->heard[i] = (struct ve_sound){begin, (uint16_t)(begin + length / phones), heard};
    }
    for (size_t i = 0; i < e->frames; i++)
        e->level[i] = i >= MARGIN && i < end ? 10.0f : -15.0f;
    set_scores(scene, 0, e->frames, -21, -13.5f);
    scene->range = (struct ve_ear_range){
        .sound = VE_EAR_SPEECH, .end = e->frames, .loud = 2u * length, .cut = -5, .spread = 25};
}

static struct ve_verdict judge(const struct scene *scene)
{
    struct ve_verdict verdict;
    ve_verdict_judge(&scene->evidence, &scene->range, &verdict);
    assert_true(verdict.confidence >= 0 && verdict.confidence <= 1);
    assert_int_equal(verdict.reason == NULL, verdict.confidence >= 0.5f);
    for (size_t i = 0; i < VE_VERDICT_TRAITS; i++)
        assert_true(isfinite(verdict.traits[i]));
    return verdict;
}

static void accepts_what_was_said(void **state)
{
    struct scene scene;
    (void)state;
    make_scene(&scene, 5, 40);
    assert_true(judge(&scene).confidence > 0.9f);
}

static void refuses_nothing_at_all(void **state)
{
    struct scene scene;
    (void)state;
    make_scene(&scene, 5, 40);
    scene.evidence.text[0] = '\0';
    assert_string_equal(judge(&scene).reason, "outside");
    assert_true(judge(&scene).confidence == 0);
    make_scene(&scene, 5, 40);
    scene.evidence.spell_count = 1; /* a phrase of silence only */
    assert_true(judge(&scene).confidence == 0);
    memset(&scene, 0, sizeof(scene));
    scene.evidence.text[0] = 'x';
    assert_true(judge(&scene).confidence == 0);
}

static void any_sounds_that_fit_better_speak_against_it(void **state)
{
    struct scene scene;
    (void)state;
    make_scene(&scene, 5, 40);
    float last = judge(&scene).confidence;
    for (int worse = 5; worse <= 45; worse += 10) {
        set_scores(&scene, 0, scene.evidence.frames, -21 - (float)worse, -13.5f);
        float now = judge(&scene).confidence;
        assert_true(now < last);
        last = now;
    }
    assert_true(last < 0.1f);
}

static void one_bad_word_is_enough(void **state)
{
    struct scene scene;
    (void)state;
    make_scene(&scene, 5, 40);
    float good = judge(&scene).confidence;
    set_scores(&scene, MARGIN + 40, MARGIN + 80, -90, -13.5f);
    assert_true(judge(&scene).confidence < 0.5f);
    assert_true(judge(&scene).confidence < good);
}

/* Scores that would just do, if they were all there is to judge by. */
static void make_doubtful(struct scene *scene)
{
    make_scene(scene, 5, 40);
    set_scores(scene, 0, scene->evidence.frames, -40, -13.5f);
    assert_true(judge(scene).confidence >= 0.5f);
}

static void other_sounds_speak_against_it(void **state)
{
    struct scene scene;
    (void)state;
    make_doubtful(&scene);
    float last = judge(&scene).confidence;
    for (size_t i = 0; i < scene.evidence.heard_count; i++) {
        scene.evidence.heard[i].phone = (uint8_t)(1 + (i * 7 + 20) % 39);
        float now = judge(&scene).confidence;
        assert_true(now <= last);
        last = now;
    }
    assert_true(last < 0.5f);
}

static void speech_beside_the_words_speaks_against_it(void **state)
{
    struct scene scene;
    (void)state;
    make_doubtful(&scene);
    struct ve_evidence *e = &scene.evidence;
    size_t end = e->frames;
    e->frames += 80;
    e->spells[3].end = (uint16_t)e->frames;
    for (size_t i = end; i < e->frames; i++)
        e->level[i] = 10.0f;
    set_scores(&scene, end, e->frames, -40, -13.5f);
    scene.range.end = e->frames;
    scene.range.loud += 80;
    assert_true(judge(&scene).confidence < 0.5f);
}

static void nobody_speaks_that_slowly(void **state)
{
    struct scene scene;
    (void)state;
    make_scene(&scene, 2, 300);
    assert_true(judge(&scene).confidence == 0);
    assert_string_equal(judge(&scene).reason, "outside");
}

/* What a broken path might say must not lead outside the arrays. */
static void survives_a_strange_path(void **state)
{
    struct scene scene;
    (void)state;
    make_scene(&scene, 5, 40);
    scene.evidence.spells[2].end = UINT16_MAX;
    (void)judge(&scene);
    scene.evidence.spells[1] = (struct ve_spell){UINT16_MAX - 1, UINT16_MAX, 0, 5};
    (void)judge(&scene);
    scene.range.loud = 0;
    scene.evidence.heard_count = 0;
    (void)judge(&scene);
    scene.evidence.phone_count = 0;
    (void)judge(&scene);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(accepts_what_was_said),
        cmocka_unit_test(refuses_nothing_at_all),
        cmocka_unit_test(any_sounds_that_fit_better_speak_against_it),
        cmocka_unit_test(one_bad_word_is_enough),
        cmocka_unit_test(other_sounds_speak_against_it),
        cmocka_unit_test(speech_beside_the_words_speaks_against_it),
        cmocka_unit_test(nobody_speaks_that_slowly),
        cmocka_unit_test(survives_a_strange_path),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
