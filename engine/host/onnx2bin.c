/*
 * Build tool: takes the weights of Silero's 8 kHz branch out of silero_vad.onnx and writes them in
 * the layout that audio/silero.c runs (audio/silero_layout.h).
 *
 *   ve-onnx2bin OUT [IN.onnx]      without IN the file is empty: "no weights"
 *
 * An .onnx file is a protobuf message. The model holds two graphs under an If node, one per sample
 * rate, with tensors of the same names; the one whose Fourier basis is 130 x 1 x 128 is ours.
 */
#include "../audio/silero_layout.h"
#include "onnx.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define MODEL_BYTES_MAX (64 << 20)
#define GRAPH_DEPTH_MAX 8
#define PI              3.14159265358979323846

enum weight {
    BASIS,
    WEIGHT0,
    BIAS0,
    WEIGHT1,
    BIAS1,
    WEIGHT2,
    BIAS2,
    WEIGHT3,
    BIAS3,
    WEIGHT_IH,
    WEIGHT_HH,
    BIAS_IH,
    BIAS_HH,
    WEIGHT_OUT,
    BIAS_OUT,
    WEIGHTS,
};

static const struct {
    const char *name;
    uint64_t dims[3];
    size_t rank;
} wanted[WEIGHTS] = {
    [BASIS] = {"stft.forward_basis_buffer", {130, 1, 128}, 3},
    [WEIGHT0] = {"encoder.0.reparam_conv.weight", {128, 65, 3}, 3},
    [BIAS0] = {"encoder.0.reparam_conv.bias", {128}, 1},
    [WEIGHT1] = {"encoder.1.reparam_conv.weight", {64, 128, 3}, 3},
    [BIAS1] = {"encoder.1.reparam_conv.bias", {64}, 1},
    [WEIGHT2] = {"encoder.2.reparam_conv.weight", {64, 64, 3}, 3},
    [BIAS2] = {"encoder.2.reparam_conv.bias", {64}, 1},
    [WEIGHT3] = {"encoder.3.reparam_conv.weight", {128, 64, 3}, 3},
    [BIAS3] = {"encoder.3.reparam_conv.bias", {128}, 1},
    [WEIGHT_IH] = {"decoder.rnn.weight_ih", {512, 128}, 2},
    [WEIGHT_HH] = {"decoder.rnn.weight_hh", {512, 128}, 2},
    [BIAS_IH] = {"decoder.rnn.bias_ih", {512}, 1},
    [BIAS_HH] = {"decoder.rnn.bias_hh", {512}, 1},
    [WEIGHT_OUT] = {"decoder.decoder.2.weight", {1, 128, 1}, 3},
    [BIAS_OUT] = {"decoder.decoder.2.bias", {1}, 1},
};

struct model {
    struct tensor tensors[WEIGHTS];
};

struct writer {
    FILE *file;
    uint32_t count;    /* floats written */
    uint32_t checksum; /* FNV-1a so far */
    bool failed;
};

static void complain(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

static void complain(const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    (void)fputs("ve-onnx2bin: ", stderr);
    (void)vfprintf(stderr, fmt, args);
    (void)fputc('\n', stderr);
    va_end(args);
}

/* --- ONNX ------------------------------------------------------------------------------------- */

static void tensor_keep(struct model *model, const struct tensor *tensor, struct span own_name,
                        struct span node_name)
{
    for (int i = 0; tensor->floats.at && i < WEIGHTS; i++) {
        if (name_ends(own_name, wanted[i].name) || name_ends(node_name, wanted[i].name))
            model->tensors[i] = *tensor;
    }
}

static int graph_walk(struct model *ours, struct span in, int depth);

/* An AttributeProto: t 5, g 6. */
static int attribute_walk(struct model *ours, struct model *here, struct span in,
                          struct span node_name, int depth)
{
    struct field field;
    int more = 0;
    while ((more = field_next(&field, &in)) > 0) {
        struct tensor tensor;
        struct span name = {NULL, NULL};
        if (field.wire != 2)
            continue;
        if (field.number == 5) {
            if (tensor_read(&tensor, &name, field.body) != 0)
                return -1;
            tensor_keep(here, &tensor, name, node_name);
        } else if (field.number == 6 && graph_walk(ours, field.body, depth + 1) != 0) {
            return -1;
        }
    }
    return more;
}

/* A NodeProto: output 2, attribute 5. */
static int node_walk(struct model *ours, struct model *here, struct span in, int depth)
{
    struct field field;
    struct span name = {NULL, NULL};
    int more = 0;
    while ((more = field_next(&field, &in)) > 0) {
        if (field.number == 2 && field.wire == 2 && !name.at)
            name = field.body;
        else if (field.number == 5 && field.wire == 2 &&
                 attribute_walk(ours, here, field.body, name, depth) != 0)
            return -1;
    }
    return more;
}

/* A GraphProto: node 1, initializer 5. Its tensors become ours when its basis is the 8 kHz one. */
static int graph_walk(struct model *ours, struct span in, int depth)
{
    struct model here = {.tensors = {{.rank = 0}}};
    struct field field;
    int more = 0;
    if (depth > GRAPH_DEPTH_MAX)
        return -1;
    while ((more = field_next(&field, &in)) > 0) {
        struct tensor tensor;
        struct span name = {NULL, NULL};
        if (field.wire != 2)
            continue;
        if (field.number == 1 && node_walk(ours, &here, field.body, depth) != 0)
            return -1;
        if (field.number == 5) {
            if (tensor_read(&tensor, &name, field.body) != 0)
                return -1;
            tensor_keep(&here, &tensor, name, name);
        }
    }
    if (more == 0 && here.tensors[BASIS].dims[0] == wanted[BASIS].dims[0])
        *ours = here;
    return more;
}

static int model_read(struct model *out, struct span in)
{
    struct field field;
    int more = 0;
    while ((more = field_next(&field, &in)) > 0) {
        if (field.number == 7 && field.wire == 2 && graph_walk(out, field.body, 0) != 0)
            return -1;
    }
    return more;
}

static bool tensor_fits(const struct tensor *tensor, int weight)
{
    uint64_t count = 1;
    if (tensor->rank != wanted[weight].rank)
        return false;
    for (size_t i = 0; i < tensor->rank; i++) {
        if (tensor->dims[i] != wanted[weight].dims[i])
            return false;
        count *= tensor->dims[i];
    }
    return (uint64_t)(tensor->floats.end - tensor->floats.at) == count * sizeof(float);
}

static float weight_get(const struct model *model, enum weight weight, size_t index)
{
    float value = 0;
    memcpy(&value, model->tensors[weight].floats.at + index * sizeof(value), sizeof(value));
    return value;
}

/* cos(pi i / 64) by its series: the file must not depend on a C library's last bits. */
static double turn_cos(int i)
{
    double x = PI * (double)(i & 127) / 64;
    double term = 1;
    double sum = 1;
    if (x > PI)
        x -= 2 * PI;
    for (int n = 2; n < 40; n += 2) {
        term *= -x * x / (n * (n - 1));
        sum += term;
    }
    return sum;
}

static double turn_sin(int i)
{
    return turn_cos(i - 32);
}

static double hann(int n)
{
    return 0.5 - 0.5 * turn_cos(n);
}

/* Everything there, of the right shape and finite, and the basis a Hann window times a Fourier
 * transform? Says what is wrong. */
static int model_check(const struct model *model)
{
    for (int i = 0; i < WEIGHTS; i++) {
        const struct tensor *tensor = &model->tensors[i];
        if (!tensor_fits(tensor, i)) {
            complain("no tensor %s of the 8 kHz shape in the model", wanted[i].name);
            return -1;
        }
        for (size_t n = 0; n < (size_t)(tensor->floats.end - tensor->floats.at) / 4; n++) {
            if (!isfinite(weight_get(model, (enum weight)i, n))) {
                complain("%s[%zu] is not a number", wanted[i].name, n);
                return -1;
            }
        }
    }
    for (int k = 0; k < VE_SILERO_BINS; k++) {
        for (int n = 0; n < 128; n++) {
            size_t at = (size_t)k * 128 + (size_t)n;
            double re = weight_get(model, BASIS, at) - hann(n) * turn_cos(k * n);
            double im = weight_get(model, BASIS, (size_t)65 * 128 + at) + hann(n) * turn_sin(k * n);
            if (fabs(re) > 1e-6 || fabs(im) > 1e-6) {
                complain("the basis is no Hann-windowed Fourier transform");
                return -1;
            }
        }
    }
    return 0;
}

/* --- output, in the order of silero_layout.h -------------------------------------------------- */

static void emit(struct writer *out, double number)
{
    float value = (float)number;
    unsigned char bytes[sizeof(value)];
    memcpy(bytes, &value, sizeof(value));
    for (size_t i = 0; i < sizeof(bytes); i++)
        out->checksum = (out->checksum ^ bytes[i]) * 16777619u;
    out->count++;
    if (fwrite(bytes, sizeof(bytes), 1, out->file) != 1)
        out->failed = true;
}

static void emit_vector(struct writer *out, const struct model *model, enum weight weight,
                        size_t count)
{
    for (size_t i = 0; i < count; i++)
        emit(out, weight_get(model, weight, i));
}

static void emit_spectrum(struct writer *out)
{
    for (int n = 0; n < 128; n++)
        emit(out, hann(n));
    for (int block = 0; block < VE_SILERO_BINS_PAD; block += 8) {
        for (int n = 0; n < VE_SILERO_FOLDED; n++) {
            for (int place = block; place < block + 8; place++)
                emit(out, place < VE_SILERO_BINS ? turn_cos(ve_silero_bin(place) * n) : 0);
            for (int place = block; place < block + 8; place++)
                emit(out, place < VE_SILERO_BINS ? turn_sin(ve_silero_bin(place) * n) : 0);
        }
    }
}

/* [block of `wide` outputs][input][tap][output], from the model's [output][input][3 taps]. */
static void emit_conv(struct writer *out, const struct model *model, enum weight weight,
                      size_t outputs, size_t inputs, size_t wide)
{
    for (size_t block = 0; block < outputs; block += wide) {
        for (size_t in = 0; in < inputs; in++) {
            size_t channel = weight == WEIGHT0 ? (size_t)ve_silero_bin((int)in) : in;
            for (size_t tap = 0; tap < 3; tap++) {
                for (size_t o = block; o < block + wide; o++)
                    emit(out, weight_get(model, weight, (o * inputs + channel) * 3 + tap));
            }
        }
    }
}

/* As emit_conv for one tap at a time: [block of 64][tap from..2 or 1][input][64]. */
static void emit_taps(struct writer *out, const struct model *model, enum weight weight,
                      size_t outputs, size_t first_tap, size_t last_tap)
{
    for (size_t block = 0; block < outputs; block += VE_SILERO_DENSE_WIDE) {
        for (size_t tap = first_tap; tap <= last_tap; tap++) {
            for (size_t in = 0; in < 64; in++) {
                for (size_t o = block; o < block + VE_SILERO_DENSE_WIDE; o++)
                    emit(out, weight_get(model, weight, (o * 64 + in) * 3 + tap));
            }
        }
    }
}

/* The row of the model's matrices for an output of a block of 16 units: gates i, f, g, o. */
static size_t lstm_row(size_t block, size_t output)
{
    return output / 16 * VE_SILERO_UNITS + block * 16 + output % 16;
}

static void emit_lstm(struct writer *out, const struct model *model)
{
    for (size_t block = 0; block < 8; block++) {
        for (size_t o = 0; o < VE_SILERO_DENSE_WIDE; o++) {
            size_t row = lstm_row(block, o);
            emit(out, weight_get(model, BIAS_IH, row) + weight_get(model, BIAS_HH, row));
        }
    }
    for (size_t block = 0; block < 8; block++) {
        for (size_t in = 0; in < 256; in++) {
            enum weight weight = in < 128 ? WEIGHT_IH : WEIGHT_HH;
            for (size_t o = 0; o < VE_SILERO_DENSE_WIDE; o++)
                emit(out, weight_get(model, weight, lstm_row(block, o) * 128 + in % 128));
        }
    }
}

static void emit_model(struct writer *out, const struct model *model)
{
    emit_spectrum(out);
    emit_vector(out, model, BIAS0, VE_SILERO_C0);
    emit_conv(out, model, WEIGHT0, VE_SILERO_C0, VE_SILERO_BINS, VE_SILERO_CONV0_WIDE);
    emit_vector(out, model, BIAS1, VE_SILERO_C1);
    emit_conv(out, model, WEIGHT1, VE_SILERO_C1, VE_SILERO_C0, VE_SILERO_CONV1_WIDE);
    emit_vector(out, model, BIAS2, VE_SILERO_C2);
    emit_taps(out, model, WEIGHT2, VE_SILERO_C2, 1, 2);
    emit_vector(out, model, BIAS3, VE_SILERO_C3);
    emit_taps(out, model, WEIGHT3, VE_SILERO_C3, 1, 1);
    emit_lstm(out, model);
    emit_vector(out, model, WEIGHT_OUT, VE_SILERO_UNITS);
    emit_vector(out, model, BIAS_OUT, 1);
}

static int weights_write(FILE *file, const struct model *model)
{
    struct ve_silero_header header = {.magic = VE_SILERO_MAGIC, .version = VE_SILERO_VERSION};
    struct writer out = {.file = file, .checksum = 2166136261u};
    if (fwrite(&header, sizeof(header), 1, file) != 1)
        return -1;
    emit_model(&out, model);
    if (out.count != VE_SILERO_FLOATS) {
        complain("wrote %u floats, the layout has %d", out.count, VE_SILERO_FLOATS);
        return -1;
    }
    header.count = out.count;
    header.checksum = out.checksum;
    if (out.failed || fseek(file, 0, SEEK_SET) != 0)
        return -1;
    return fwrite(&header, sizeof(header), 1, file) == 1 ? 0 : -1;
}

/* --- files ------------------------------------------------------------------------------------ */

static int model_load(struct model *out, const char *path)
{
    struct stat info;
    int result = -1;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &info) != 0) {
        complain("%s: %s", path, strerror(errno));
        goto out;
    }
    if (info.st_size < 1 || info.st_size > MODEL_BYTES_MAX) {
        complain("%s: %lld bytes is no model", path, (long long)info.st_size);
        goto out;
    }
    /* Stays mapped: the tensors point into it until the process ends. */
    const unsigned char *bytes = mmap(NULL, (size_t)info.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
    if (bytes == MAP_FAILED) {
        complain("%s: %s", path, strerror(errno));
        goto out;
    }
    if (model_read(out, (struct span){bytes, bytes + info.st_size}) != 0) {
        complain("%s: malformed protobuf, or graphs nested too deep", path);
        goto out;
    }
    result = model_check(out);
out:
    if (fd >= 0)
        close(fd);
    return result;
}

int main(int argc, char **argv)
{
    struct model model = {.tensors = {{.rank = 0}}};
    if (argc < 2 || argc > 3) {
        complain("usage: ve-onnx2bin OUT [IN.onnx]");
        return 2;
    }
    if (argc == 3 && model_load(&model, argv[2]) != 0)
        return 1;
    FILE *file = fopen(argv[1], "wb");
    if (!file) {
        complain("%s: %s", argv[1], strerror(errno));
        return 1;
    }
    int err = argc == 3 ? weights_write(file, &model) : 0;
    if (fclose(file) != 0)
        err = -1;
    if (err) {
        complain("%s was not written", argv[1]);
        (void)remove(argv[1]);
        return 1;
    }
    return 0;
}
