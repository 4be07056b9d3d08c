/*
 * speech/speech.h - the offline voice (flite) and the offline recogniser (pocketsphinx).
 *
 * Providers like any other, but in C and without a network: English only, a menu recogniser and not
 * dictation. All synthesis and recognition runs in jobs on the speech threads; every function here
 * and every callback is on the loop's thread, callbacks never inside a call of ours.
 *
 * One ve_speech per worker; it keeps warm decoders by grammar (bounded).
 */
#ifndef VE_SPEECH_SPEECH_H
#define VE_SPEECH_SPEECH_H

#include "base/flow.h"
#include "base/log.h"
#include "loop/loop.h"
#include "speech/grammar.h"

/* Loads flite's voices, silences both libraries. Part of the process-wide list. */
int ve_speech_process_init(void);

struct ve_speech;
int ve_speech_new(struct ve_speech **out, struct ve_loop *loop, const struct ve_log *log);
/* Calls `drained` in a later step once nothing is alive any more: what was cancelled or closed
 * still has a job to come back from. */
void ve_speech_drain(struct ve_speech *speech, void (*drained)(void *arg), void *arg);
/* Streams and syntheses must have ended (ve_speech_drain tells); frees the idle decoders. */
void ve_speech_free(struct ve_speech *speech);

/* --- voice ------------------------------------------------------------------------------------ */

#define VE_VOICE_RATE     16000 /* Hz, s16 mono: what every offline voice gives */
#define VE_VOICE_TEXT_MAX 4000  /* bytes of one synthesis */

struct ve_voice;

/* Where a word lies in the audio: bytes [begin, begin+len) of the text, samples [from, to). */
struct ve_voice_word {
    uint32_t begin, len;
    uint32_t from, to;
};

struct ve_voice_options {
    struct ve_str text;  /* UTF-8, copied; split into sentences inside */
    const char *voice;   /* "slt" (default when NULL) or "rms"; others VE_ENOENT */
    struct ve_sink sink; /* s16 native-endian samples, streamed as sentences are made */
    /* Words of the samples that the next sink.write calls bring; may be NULL. `from`, `to` count
     * from the start of the synthesis. */
    void (*words)(void *arg, const struct ve_voice_word *words, size_t count);
    void *arg;
};

/* Starts a synthesis. sink.end comes exactly once. VE_ETOOBIG, VE_ENOENT, VE_ENOMEM. */
int ve_voice_start(struct ve_speech *speech, const struct ve_voice_options *options,
                   struct ve_voice **out);
/* sink.end follows with VE_ECANCELED; no more samples come. */
void ve_voice_cancel(struct ve_voice *voice);
/* After the sink answered VE_FLOW_PAUSE. */
void ve_voice_resume(struct ve_voice *voice);

/* --- recogniser ------------------------------------------------------------------------------- */

struct ve_recogniser;

struct ve_recogniser_result {
    struct ve_str text; /* as recognised, words in lower case; empty when nothing was */
    int phrase;         /* index into the grammar, or -1: rejected, outside the grammar */
    float confidence;   /* 0..1; below the threshold phrase is -1 */
    const char *reason; /* NULL when accepted; "silence", "noise", "outside" or "score" */
};

struct ve_recogniser_options {
    const struct ve_grammar *grammar; /* must live until the recogniser is closed */
    uint32_t rate;                    /* Hz of the samples fed; 8000, 16000, 24000 or 48000 */
    /* One for every ve_recogniser_finish, in order. */
    void (*result)(void *arg, const struct ve_recogniser_result *result);
    /* Best guess so far, at most every 100 ms of audio, only when it changes; may be NULL. */
    void (*partial)(void *arg, struct ve_str text, int phrase);
    /* Instead of everything above when the engine cannot be had; last call. */
    void (*failed)(void *arg, int err, const char *why);
    void *arg;
};

/* Makes ready for an utterance; loading (about 25 ms) happens on the speech thread meanwhile. */
int ve_recogniser_open(struct ve_speech *speech, const struct ve_recogniser_options *options,
                       struct ve_recogniser **out);
/* Samples of the utterance, s16 mono; copied. At most 60 s per utterance, the rest is ignored. */
int ve_recogniser_feed(struct ve_recogniser *recogniser, const int16_t *samples, size_t count);
/* The utterance is over: `result` follows. Afterwards the next one may be fed. */
int ve_recogniser_finish(struct ve_recogniser *recogniser);
/* Forgets what was fed since the last finish; no result. */
void ve_recogniser_reset(struct ve_recogniser *recogniser);
/* No callback comes any more. The memory goes when the running job has ended. */
void ve_recogniser_close(struct ve_recogniser *recogniser);

#endif
