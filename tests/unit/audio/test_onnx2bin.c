/* The build tool, run inside the test: its main is only renamed. */
#define main onnx2bin_main
int onnx2bin_main(int argc, char **argv);
#include "host/onnx2bin.c" /* NOLINT(bugprone-suspicious-include): it has no library */
#undef main

#include <setjmp.h>
#include <stddef.h>

#include <cmocka.h>

#define MODEL_MAX (4 << 20)

struct bytes {
    unsigned char *at; /* owned */
    size_t len;
};

static void add(struct bytes *out, const void *bytes, size_t len)
{
    memcpy(out->at + out->len, bytes, len);
    out->len += len;
}

static void add_varint(struct bytes *out, uint64_t value)
{
    for (; value > 127; value >>= 7)
        add(out, &(unsigned char){(unsigned char)(value | 128)}, 1);
    add(out, &(unsigned char){(unsigned char)value}, 1);
}

static void add_field(struct bytes *out, unsigned number, const void *bytes, size_t len)
{
    add_varint(out, number << 3 | 2);
    add_varint(out, len);
    add(out, bytes, len);
}

static struct bytes bytes_new(void)
{
    struct bytes bytes = {malloc(MODEL_MAX), 0};
    assert_non_null(bytes.at);
    return bytes;
}

/* Floats of a tensor: the Fourier basis where it is one, else small numbers that tell it apart. */
static float number(int weight, size_t index)
{
    if (weight != BASIS)
        return (float)weight + (float)(index % 1000) / 1024;
    int k = (int)(index / 128);
    int n = (int)(index % 128);
    return (float)(k < 65 ? hann(n) * turn_cos(k * n) : -hann(n) * turn_sin((k - 65) * n));
}

/* A Constant node with one of the model's tensors, `first` instead of its first dimension. */
static void add_tensor(struct bytes *graph, int weight, uint64_t first)
{
    struct bytes tensor = bytes_new();
    struct bytes node = bytes_new();
    struct bytes attribute = bytes_new();
    size_t count = 1;
    for (size_t i = 0; i < wanted[weight].rank; i++) {
        uint64_t dim = i == 0 ? first : wanted[weight].dims[i];
        add_varint(&tensor, 1 << 3);
        add_varint(&tensor, dim);
        count *= dim;
    }
    add_varint(&tensor, 2 << 3);
    add_varint(&tensor, 1);
    add_field(&tensor, 8, wanted[weight].name, strlen(wanted[weight].name));
    add_varint(&tensor, 9 << 3 | 2);
    add_varint(&tensor, count * 4);
    for (size_t i = 0; i < count; i++)
        add(&tensor, &(float){number(weight, i)}, 4);
    add_field(&attribute, 1, "value", 5);
    add_field(&attribute, 5, tensor.at, tensor.len);
    add_field(&node, 2, "out", 3);
    add_field(&node, 5, attribute.at, attribute.len);
    add_field(graph, 1, node.at, node.len);
    free(tensor.at);
    free(node.at);
    free(attribute.at);
}

/* The model with its two branches; `missing` is left out, `basis` is the basis' first dimension. */
static struct bytes make_model(int missing, uint64_t basis)
{
    struct bytes branch = bytes_new();
    struct bytes attribute = bytes_new();
    struct bytes node = bytes_new();
    struct bytes graph = bytes_new();
    struct bytes model = bytes_new();
    for (int i = 0; i < WEIGHTS; i++) {
        if (i != missing)
            add_tensor(&branch, i, i == BASIS ? basis : wanted[i].dims[0]);
    }
    add_field(&attribute, 6, branch.at, branch.len);
    add_field(&node, 5, attribute.at, attribute.len);
    add_field(&graph, 1, node.at, node.len);
    add_varint(&model, 1 << 3);
    add_varint(&model, 8);
    add_field(&model, 7, graph.at, graph.len);
    free(branch.at);
    free(attribute.at);
    free(node.at);
    free(graph.at);
    return model;
}

struct files {
    char in[64];
    char out[64];
};

static int files_make(void **state)
{
    static struct files files;
    char folder[] = "/tmp/ve-onnx2bin-XXXXXX";
    assert_non_null(mkdtemp(folder));
    (void)snprintf(files.in, sizeof(files.in), "%s/in", folder);
    (void)snprintf(files.out, sizeof(files.out), "%s/out", folder);
    *state = &files;
    return 0;
}

static int files_remove(void **state)
{
    struct files *files = *state;
    (void)remove(files->in);
    (void)remove(files->out);
    *strrchr(files->in, '/') = '\0';
    return rmdir(files->in);
}

/* The tool's exit code; NULL leaves an argument out. What it says on the way is not shown. */
static int run(const char *out, const char *in)
{
    char texts[3][80] = {"ve-onnx2bin", "", ""};
    char *argv[] = {texts[0], out ? texts[1] : NULL, in ? texts[2] : NULL, NULL};
    (void)snprintf(texts[1], sizeof(texts[1]), "%s", out ? out : "");
    (void)snprintf(texts[2], sizeof(texts[2]), "%s", in ? in : "");
    int shown = dup(2);
    int nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC);
    assert_true(dup2(nowhere, 2) == 2);
    int code = onnx2bin_main(1 + !!out + !!in, argv);
    assert_true(dup2(shown, 2) == 2);
    close(shown);
    close(nowhere);
    return code;
}

/* The exit code for a model of these bytes. */
static int convert(struct files *files, const void *bytes, size_t len)
{
    FILE *file = fopen(files->in, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, len, file), len);
    assert_int_equal(fclose(file), 0);
    (void)remove(files->out);
    return run(files->out, files->in);
}

static void without_a_model_the_file_is_empty(void **state)
{
    struct files *files = *state;
    struct stat info;
    assert_int_equal(run(files->out, NULL), 0);
    assert_int_equal(stat(files->out, &info), 0);
    assert_int_equal(info.st_size, 0);
}

static void weights_come_out_in_the_layout(void **state)
{
    struct files *files = *state;
    static float weights[VE_SILERO_FLOATS + 1];
    struct ve_silero_header header;
    struct bytes model = make_model(-1, 130);
    assert_int_equal(convert(files, model.at, model.len), 0);
    free(model.at);
    FILE *file = fopen(files->out, "rb");
    assert_non_null(file);
    assert_int_equal(fread(&header, sizeof(header), 1, file), 1);
    assert_int_equal(fread(weights, 4, VE_SILERO_FLOATS + 1, file), VE_SILERO_FLOATS);
    assert_int_equal(fclose(file), 0);
    assert_string_equal(header.magic, VE_SILERO_MAGIC);
    assert_int_equal(header.version, VE_SILERO_VERSION);
    assert_int_equal(header.count, VE_SILERO_FLOATS);
    uint32_t sum = 2166136261u;
    for (size_t i = 0; i < (size_t)VE_SILERO_FLOATS * 4; i++)
        sum = (sum ^ ((const unsigned char *)weights)[i]) * 16777619u;
    assert_int_equal(header.checksum, sum);
    /* bin 3 at n = 7: place 1 of block 0 */
    size_t turn = VE_SILERO_AT_TURNS + 7 * 16 + 1;
    assert_float_equal(weights[turn], cos(PI * 3 * 7 / 64), 1e-6);
    assert_float_equal(weights[turn + 8], sin(PI * 3 * 7 / 64), 1e-6);
    /* encoder 0: output 17, input place 33 = bin 2, tap 1 */
    assert_true(weights[VE_SILERO_AT_CONV0 + ((1 * 65 + 33) * 3 + 1) * 16 + 1] ==
                number(WEIGHT0, (17 * 65 + 2) * 3 + 1));
    assert_true(weights[VE_SILERO_AT_CONV1 + ((1 * 128 + 5) * 3 + 2) * 32 + 3] ==
                number(WEIGHT1, (35 * 128 + 5) * 3 + 2));
    /* encoder 2: time 1 = tap 2, input 9, output 60 */
    assert_true(weights[VE_SILERO_AT_CONV2 + (64 + 9) * 64 + 60] ==
                number(WEIGHT2, (60 * 64 + 9) * 3 + 2));
    assert_true(weights[VE_SILERO_AT_CONV3 + (64 + 9) * 64 + 1] ==
                number(WEIGHT3, (65 * 64 + 9) * 3 + 1));
    /* unit 40 is the 8th of block 2; gate g is the third */
    size_t unit = 2 * 64 + 2 * 16 + 8;
    size_t row = 2 * 128 + 40;
    assert_true(weights[VE_SILERO_AT_BIAS_LSTM + unit] ==
                number(BIAS_IH, row) + number(BIAS_HH, row));
    assert_true(weights[VE_SILERO_AT_LSTM + (2 * 256 + 3) * 64 + 2 * 16 + 8] ==
                number(WEIGHT_IH, row * 128 + 3));
    assert_true(weights[VE_SILERO_AT_LSTM + (2 * 256 + 131) * 64 + 2 * 16 + 8] ==
                number(WEIGHT_HH, row * 128 + 3));
    assert_true(weights[VE_SILERO_AT_BIAS_OUT] == number(BIAS_OUT, 0));
}

static void what_is_missing_or_of_another_shape_is_an_error(void **state)
{
    for (int missing = 0; missing < WEIGHTS; missing++) {
        struct bytes model = make_model(missing, 130);
        assert_int_equal(convert(*state, model.at, model.len), 1);
        free(model.at);
    }
    struct bytes model = make_model(-1, 258); /* only the 16 kHz branch */
    assert_int_equal(convert(*state, model.at, model.len), 1);
    free(model.at);
    struct files *files = *state;
    assert_int_equal(access(files->out, F_OK), -1);
}

static void a_number_that_is_none_is_an_error(void **state)
{
    struct bytes model = make_model(-1, 130);
    const float nan = NAN;
    memcpy(model.at + model.len - 4, &nan, 4); /* the last weight: the output's bias */
    assert_int_equal(convert(*state, model.at, model.len), 1);
    free(model.at);
    model = make_model(-1, 130);
    for (size_t at = 1000; at < 40000; at++) /* somewhere inside the basis */
        model.at[at] = 0;
    assert_int_equal(convert(*state, model.at, model.len), 1);
    free(model.at);
}

static void malformed_bytes_are_an_error_and_nothing_worse(void **state)
{
    struct bytes model = make_model(-1, 130);
    uint32_t seed = 1;
    assert_int_equal(convert(*state, "", 0), 1);
    assert_int_equal(convert(*state, "hello", 5), 1);
    for (size_t len = model.len - 1; len > 100; len = len * 3 / 4)
        assert_int_equal(convert(*state, model.at, len), 1);
    /* a graph in a node in a graph ... */
    struct bytes deep = bytes_new();
    for (int i = 0; i < 40; i++) {
        struct bytes outer = bytes_new();
        add_field(&outer, i % 3 == 0 ? 1 : i % 3 == 1 ? 6 : 5, deep.at, deep.len);
        free(deep.at);
        deep = outer;
    }
    struct bytes whole = bytes_new();
    add_field(&whole, 7, deep.at, deep.len);
    assert_int_equal(convert(*state, whole.at, whole.len), 1);
    free(whole.at);
    free(deep.at);
    /* bytes changed among the first ones, where the structure is: any answer, but an answer */
    for (int i = 0; i < 200; i++) {
        seed = seed * 1664525 + 1013904223;
        size_t at = seed >> 8 & 63;
        unsigned char was = model.at[at];
        model.at[at] = (unsigned char)(seed >> 24);
        assert_in_range(convert(*state, model.at, model.len), 0, 1);
        model.at[at] = was;
    }
    free(model.at);
}

static void wrong_arguments_are_usage(void **state)
{
    struct files *files = *state;
    assert_int_equal(run(NULL, NULL), 2);
    assert_int_equal(run(files->out, "/nonexistent/model"), 1);
    assert_int_equal(run("/nonexistent/out", NULL), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_a_model_the_file_is_empty),
        cmocka_unit_test(weights_come_out_in_the_layout),
        cmocka_unit_test(what_is_missing_or_of_another_shape_is_an_error),
        cmocka_unit_test(a_number_that_is_none_is_an_error),
        cmocka_unit_test(malformed_bytes_are_an_error_and_nothing_worse),
        cmocka_unit_test(wrong_arguments_are_usage),
    };
    return cmocka_run_group_tests(tests, files_make, files_remove);
}
