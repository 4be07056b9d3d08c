#include "audio/vad.h"

#include "audio/level.h"
#include "base/err.h"

#include <math.h>
#include <string.h>

/* Found by measurement (tests/bench/bench_vad_f1.c): F1 0.973 on human prompts against 0.972
 * without a gate, 0.950 against 0.955 on synthetic ones, the difference being voices at -54 dBFS.
 */
enum {
    HANG_BLOCKS = 4,      /* heard after the last loud block in any case */
    HANG_BLOCKS_MAX = 16, /* heard at most, while p is still above HANG_P */
    WEBRTC_MODE = 2,      /* 3 is deaf to callers below -40 dBFS */
};
#define HANG_P     0.1f
#define IDLE_P     0.02f     /* below it a block counts as no speech */
#define IDLE_RISE  2.5       /* times the noise (4 dB): heard again at once */
#define NOISE_DOWN 2         /* by half of the way per block */
#define NOISE_UP   4         /* by a quarter of itself per block: 1 dB */
#define IDLE_MAX   1073741.0 /* mean square at -30 dBFS: louder is always heard */

/* libwebrtc_audio_processing.so exports these but no header declares them. */
struct VadInst *WebRtcVad_Create(void);
void WebRtcVad_Free(struct VadInst *vad);
int WebRtcVad_Init(struct VadInst *vad);
int WebRtcVad_set_mode(struct VadInst *vad, int mode);
int WebRtcVad_Process(struct VadInst *vad, int rate, const int16_t *frame, size_t count);

struct ve_vad_options ve_vad_defaults(void)
{
    return (struct ve_vad_options){
        .kind = ve_silero_available() ? VE_VAD_SILERO : VE_VAD_WEBRTC,
        .gate_dbfs = VE_VAD_GATE_DBFS,
        .idle_skip = VE_VAD_IDLE_SKIP,
    };
}

static int webrtc_start(struct ve_vad *vad)
{
    if (WebRtcVad_Init(vad->webrtc) != 0 || WebRtcVad_set_mode(vad->webrtc, WEBRTC_MODE) != 0)
        return VE_EFAILED;
    return 0;
}

int ve_vad_init(struct ve_vad *vad, const struct ve_vad_options *options)
{
    memset(vad, 0, sizeof(*vad));
    if (isnan(options->gate_dbfs) || options->idle_skip > 7 || options->kind > VE_VAD_OFF)
        return VE_EINVAL;
    if (options->kind == VE_VAD_SILERO && !ve_silero_available())
        return VE_ENOTSUP;
    vad->kind = options->kind;
    vad->idle_skip = options->kind == VE_VAD_SILERO ? options->idle_skip : 0;
    vad->gate = ve_level_threshold(options->gate_dbfs, VE_VAD_BLOCK);
    if (vad->kind != VE_VAD_WEBRTC)
        return 0;
    vad->webrtc = WebRtcVad_Create();
    if (!vad->webrtc)
        return VE_ENOMEM;
    int err = webrtc_start(vad);
    if (err)
        ve_vad_close(vad);
    return err;
}

int ve_vad_reset(struct ve_vad *vad)
{
    struct ve_vad old = *vad;
    memset(vad, 0, sizeof(*vad));
    vad->kind = old.kind;
    vad->idle_skip = old.idle_skip;
    vad->gate = old.gate;
    vad->webrtc = old.webrtc;
    return vad->webrtc ? webrtc_start(vad) : 0;
}

void ve_vad_close(struct ve_vad *vad)
{
    if (vad->webrtc)
        WebRtcVad_Free(vad->webrtc);
    vad->webrtc = NULL;
}

/* The share of voiced frames among the three or four that end in the block: a block that is half
 * voiced starts speech (0.5), one with a third does not keep it up (0.35), and an interruption
 * (0.7) takes three of four. */
static float webrtc_block(struct ve_vad *vad)
{
    unsigned frames = 0;
    unsigned voiced = 0;
    unsigned used = 0;
    while (used < VE_VAD_BLOCK) {
        unsigned part = VE_VAD_FRAME - vad->frame_count;
        if (part > VE_VAD_BLOCK - used)
            part = VE_VAD_BLOCK - used;
        memcpy(vad->frame + vad->frame_count, vad->pending + used, part * sizeof(*vad->frame));
        vad->frame_count += part;
        used += part;
        if (vad->frame_count < VE_VAD_FRAME)
            break;
        vad->frame_count = 0;
        frames++;
        voiced += WebRtcVad_Process(vad->webrtc, VE_VAD_RATE, vad->frame, VE_VAD_FRAME) == 1;
    }
    return frames ? (float)voiced / (float)frames : 0;
}

/* Is the gate closed for a block of this energy? */
static bool gated(struct ve_vad *vad, uint64_t energy)
{
    if (energy >= vad->gate) {
        vad->quiet = 0;
        return false;
    }
    if (vad->quiet < HANG_BLOCKS_MAX + 1)
        vad->quiet++;
    if (vad->quiet <= HANG_BLOCKS)
        return false;
    return vad->quiet > HANG_BLOCKS_MAX || vad->probability < HANG_P;
}

static bool idle(const struct ve_vad *vad, uint64_t energy)
{
    return vad->skipped < vad->idle_skip && vad->probability < IDLE_P &&
           (double)energy < IDLE_RISE * (double)vad->noise &&
           (double)energy < IDLE_MAX * VE_VAD_BLOCK;
}

/* Follows the noise under the speech: quickly down, and up only slowly and only while the network
 * hears no speech, for it is slow to hear a quiet voice. Below the gate the gate rules. */
static void noise_learn(struct ve_vad *vad, uint64_t energy)
{
    energy = energy > vad->gate ? energy : vad->gate;
    if (vad->noise == 0) {
        vad->noise = energy;
    } else if (energy < vad->noise) {
        vad->noise -= (vad->noise - energy) / NOISE_DOWN;
    } else if (vad->probability < IDLE_P) {
        uint64_t most = vad->noise + vad->noise / NOISE_UP + 1;
        vad->noise = energy < most ? energy : most;
    }
}

static enum ve_vad_how choose(struct ve_vad *vad, uint64_t energy)
{
    if (vad->kind == VE_VAD_OFF || gated(vad, energy))
        return VE_VAD_GATED;
    return idle(vad, energy) ? VE_VAD_IDLE : VE_VAD_RAN;
}

static void pass_over(struct ve_vad *vad, enum ve_vad_how how)
{
    if (vad->kind == VE_VAD_SILERO)
        ve_silero_skip(&vad->silero, vad->pending);
    vad->frame_count = 0;
    if (how == VE_VAD_IDLE)
        vad->skipped++;
    else
        vad->probability = 0;
}

static void hear(struct ve_vad *vad, uint64_t energy)
{
    if (vad->kind == VE_VAD_SILERO)
        vad->probability = ve_silero_block(&vad->silero, vad->pending);
    else
        vad->probability = webrtc_block(vad);
    vad->skipped = 0;
    noise_learn(vad, energy);
}

bool ve_vad_push(struct ve_vad *vad, struct ve_vad_block *out, const int16_t **samples,
                 size_t *count)
{
    size_t part = VE_VAD_BLOCK - vad->pending_count;
    if (part > *count)
        part = *count;
    if (part == 0)
        return false;
    memcpy(vad->pending + vad->pending_count, *samples, part * sizeof(**samples));
    vad->pending_count += (unsigned)part;
    *samples += part;
    *count -= part;
    if (vad->pending_count < VE_VAD_BLOCK)
        return false;
    vad->pending_count = 0;
    vad->end += VE_VAD_BLOCK;
    uint64_t energy = ve_level_energy(vad->pending, VE_VAD_BLOCK);
    enum ve_vad_how how = choose(vad, energy);
    if (how == VE_VAD_RAN)
        hear(vad, energy);
    else
        pass_over(vad, how);
    *out = (struct ve_vad_block){
        .probability = vad->probability,
        .level_dbfs = ve_level_dbfs(energy, VE_VAD_BLOCK),
        .end = vad->end,
        .how = how,
    };
    return true;
}
