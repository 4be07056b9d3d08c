/*
 * host/onnx.h - reads a tensor out of an .onnx file, which is a protobuf message.
 */
#ifndef VE_HOST_ONNX_H
#define VE_HOST_ONNX_H

#include "protobuf.h"

#define DIMS_MAX 4

struct tensor {
    struct span floats; /* 4 bytes each, little-endian; empty while not found */
    uint64_t dims[DIMS_MAX];
    size_t rank;
};

static inline int dims_add(struct tensor *tensor, const struct field *field)
{
    struct span packed = field->body;
    uint64_t dim = field->value;
    do {
        if (field->wire == 2 && !varint_read(&dim, &packed))
            return -1;
        if (tensor->rank == DIMS_MAX)
            return -1;
        tensor->dims[tensor->rank++] = dim;
    } while (packed.at < packed.end);
    return 0;
}

/* A TensorProto: dims 1, data_type 2 (1 = float), float_data 4, name 8, raw_data 9. */
static inline int tensor_read(struct tensor *out, struct span *name, struct span in)
{
    struct field field;
    int more = 0;
    bool is_float = false;
    *out = (struct tensor){.rank = 0};
    while ((more = field_next(&field, &in)) > 0) {
        if (field.number == 1 && dims_add(out, &field) != 0)
            out->rank = 0; /* of a shape that none of ours has */
        else if (field.number == 2)
            is_float = field.value == 1;
        else if (field.number == 8 && field.wire == 2)
            *name = field.body;
        else if ((field.number == 4 || field.number == 9) && field.wire == 2)
            out->floats = field.body;
    }
    if (!is_float)
        out->floats = (struct span){NULL, NULL};
    return more;
}

#endif
