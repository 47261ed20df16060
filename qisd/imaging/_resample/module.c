/* The Python side of the resampler: pixel memory comes and goes by the Arrow C data interface, so nothing is copied.
 * https://arrow.apache.org/docs/format/CDataInterface.html (the two structures below are its ABI).
 */
#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include <limits.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "resample.h"

#define ARROW_SCHEMA "arrow_schema"
#define ARROW_ARRAY "arrow_array"

struct ArrowSchema {
    const char *format;
    const char *name;
    const char *metadata;
    int64_t flags;
    int64_t n_children;
    struct ArrowSchema **children;
    struct ArrowSchema *dictionary;
    void (*release)(struct ArrowSchema *);
    void *private_data;
};

struct ArrowArray {
    int64_t length;
    int64_t null_count;
    int64_t offset;
    int64_t n_buffers;
    int64_t n_children;
    const void **buffers;
    struct ArrowArray **children;
    struct ArrowArray *dictionary;
    void (*release)(struct ArrowArray *);
    void *private_data;
};

/* ---- giving pixels away ----------------------------------------------------------------------------------------- */

static void
release_schema(struct ArrowSchema *schema) {
    schema->release = NULL;
}

static void
release_array(struct ArrowArray *array) {
    free(array->private_data);
    free((void *)array->buffers);
    array->release = NULL;
}

static void
destroy_schema(PyObject *capsule) {
    struct ArrowSchema *schema = PyCapsule_GetPointer(capsule, ARROW_SCHEMA);
    if (schema && schema->release) {
        schema->release(schema);
    }
    free(schema);
}

static void
destroy_array(PyObject *capsule) {
    struct ArrowArray *array = PyCapsule_GetPointer(capsule, ARROW_ARRAY);
    if (array && array->release) {
        array->release(array);
    }
    free(array);
}

static PyObject *
schema_capsule(const char *format) {
    PyObject *capsule;
    struct ArrowSchema *schema = calloc(1, sizeof *schema);
    if (!schema) {
        return PyErr_NoMemory();
    }
    schema->format = format;
    schema->name = "";
    schema->release = release_schema;
    capsule = PyCapsule_New(schema, ARROW_SCHEMA, destroy_schema);
    if (!capsule) {
        free(schema);
    }
    return capsule;
}

/* Takes the pixels (from malloc) over, also on failure. */
static PyObject *
array_capsule(void *pixels, size_t length) {
    PyObject *capsule;
    struct ArrowArray *array = calloc(1, sizeof *array);
    const void **buffers = calloc(2, sizeof *buffers);
    if (!array || !buffers) {
        free(array);
        free((void *)buffers);
        free(pixels);
        return PyErr_NoMemory();
    }
    buffers[1] = pixels;
    array->length = (int64_t)length;
    array->n_buffers = 2;
    array->buffers = buffers;
    array->release = release_array;
    array->private_data = pixels;
    capsule = PyCapsule_New(array, ARROW_ARRAY, destroy_array);
    if (!capsule) {
        release_array(array);
        free(array);
    }
    return capsule;
}

/* ---- getting at pixels ------------------------------------------------------------------------------------------ */

/* The memory of `pixels` pixels behind a pair of capsules, or NULL with ValueError if it isn't what the layout needs.
 * Valid for as long as the array's capsule lives. */
static const void *
borrowed_pixels(PyObject *schema_object, PyObject *array_object, rs_layout layout, size_t pixels) {
    const struct ArrowSchema *schema = PyCapsule_GetPointer(schema_object, ARROW_SCHEMA);
    const struct ArrowArray *array = schema ? PyCapsule_GetPointer(array_object, ARROW_ARRAY) : NULL;
    const char *wanted = layout == RS_GRAY16 ? "sS" : "C";
    int64_t length = (int64_t)pixels;

    if (!array) {
        return NULL;
    }
    if (schema->release && array->release && rs_pixel_bytes(layout) == 4) {
        if (!schema->format || strcmp(schema->format, "+w:4") != 0 || schema->n_children != 1 || !schema->children ||
            array->n_children != 1 || !array->children || array->offset != 0 || array->length != length) {
            goto unfit;
        }
        schema = schema->children[0];
        array = array->children[0];
        length *= 4;
    }
    if (!schema || !array || !schema->release || !array->release || !schema->format || !schema->format[0] ||
        schema->format[1] || !strchr(wanted, schema->format[0])) {
        goto unfit;
    }
    if (array->length != length || array->offset != 0 || array->n_buffers != 2 || !array->buffers ||
        !array->buffers[1]) {
        goto unfit;
    }
    return array->buffers[1];

unfit:
    PyErr_SetString(PyExc_ValueError, "strips: pixels are not stored as the layout says");
    return NULL;
}

/* ---- tables ----------------------------------------------------------------------------------------------------- */

typedef struct {
    Py_buffer decode[4], encode[4];
    int decodes, encodes;
} tables;

static void
release_tables(tables *t) {
    while (t->decodes) {
        PyBuffer_Release(&t->decode[--t->decodes]);
    }
    while (t->encodes) {
        PyBuffer_Release(&t->encode[--t->encodes]);
    }
}

static int
get_tables(PyObject *from, Py_buffer *buffers, int *held, size_t colours, size_t bytes, const char *name) {
    if (!PyTuple_Check(from) || (size_t)PyTuple_GET_SIZE(from) != colours) {
        PyErr_Format(PyExc_ValueError, "%s: must be a tuple of %zu tables", name, colours);
        return 0;
    }
    for (size_t i = 0; i < colours; i++) {
        Py_buffer *buffer = &buffers[i];
        if (PyObject_GetBuffer(PyTuple_GET_ITEM(from, (Py_ssize_t)i), buffer, PyBUF_SIMPLE) < 0) {
            return 0;
        }
        (*held)++;
        if ((size_t)buffer->len != bytes || (uintptr_t)buffer->buf % sizeof(float)) {
            PyErr_Format(PyExc_ValueError, "%s: each table must have %zu aligned bytes", name, bytes);
            return 0;
        }
    }
    return 1;
}

static int
set_tables(rs_job *job, tables *t, PyObject *decode, PyObject *encode) {
    size_t colours = rs_colours(job->layout);
    int wide = job->layout == RS_GRAY16;
    size_t entries = wide ? 65536 : 256;
    size_t encoded = wide ? (RS_ENCODE_ENTRIES + 1) * sizeof(float) : RS_ENCODE_ENTRIES;

    if (!get_tables(decode, t->decode, &t->decodes, colours, entries * sizeof(float), "decode")) {
        return 0;
    }
    if (encode != Py_None && !get_tables(encode, t->encode, &t->encodes, colours, encoded, "encode")) {
        return 0;
    }
    for (size_t i = 0; i < colours; i++) {
        job->channels[i].decode = t->decode[i].buf;
        job->channels[i].encode = encode == Py_None ? NULL : t->encode[i].buf;
    }
    return 1;
}

/* ---- the function ----------------------------------------------------------------------------------------------- */

static int
raise_status(rs_status status) {
    if (status == RS_NO_MEMORY) {
        PyErr_NoMemory();
    } else if (status == RS_INVALID) {
        PyErr_SetString(PyExc_ValueError, "sizes, box or strips do not fit together");
    }
    return status == RS_OK;
}

static int
feed_strip(rs_state *state, const rs_job *job, PyObject *strip) {
    Py_ssize_t first, rows;
    PyObject *schema, *array;
    const void *pixels;
    size_t count;
    rs_status status;

    if (!PyTuple_Check(strip)) {
        PyErr_SetString(PyExc_TypeError, "strips: must be tuples");
        return 0;
    }
    if (!PyArg_ParseTuple(strip, "nnOO;strips: (first row, rows, schema, array)", &first, &rows, &schema, &array)) {
        return 0;
    }
    if (first < 0 || rows < 0 || __builtin_mul_overflow((size_t)rows, job->source_width, &count) ||
        count > INT64_MAX / 4) {
        return raise_status(RS_INVALID);
    }
    pixels = borrowed_pixels(schema, array, job->layout, count);
    if (!pixels) {
        return 0;
    }
    Py_BEGIN_ALLOW_THREADS
    status = rs_feed(state, (size_t)first, (size_t)rows, pixels, job->source_width * rs_pixel_bytes(job->layout));
    Py_END_ALLOW_THREADS
    return raise_status(status);
}

static int
feed_all(rs_state *state, const rs_job *job, PyObject *strips) {
    PyObject *strip;
    PyObject *iterator = PyObject_GetIter(strips);
    if (!iterator) {
        return 0;
    }
    while (!rs_finished(state) && (strip = PyIter_Next(iterator))) {
        int fed = feed_strip(state, job, strip);
        Py_DECREF(strip);
        if (!fed) {
            break;
        }
    }
    Py_DECREF(iterator);
    if (PyErr_Occurred()) {
        return 0;
    }
    return rs_finished(state) || raise_status(RS_INVALID);
}

static int
run(rs_job *job, PyObject *strips) {
    rs_state *state;
    rs_status status;
    int done;

    Py_BEGIN_ALLOW_THREADS
    status = rs_open(&state, job);
    Py_END_ALLOW_THREADS
    if (!raise_status(status)) {
        return 0;
    }
    done = feed_all(state, job, strips);
    rs_close(state);
    return done;
}

PyDoc_STRVAR(resample_doc,
             "resample(strips, source_size, box, size, filter, layout, decode, encode, portable)\n"
             "--\n\n"
             "Resize pixels in linear light; returns the result as a pair of Arrow capsules (schema, array).\n\n"
             "strips yields (first row, rows, schema capsule, array capsule). filter and layout are the module's\n"
             "constants. decode holds one table of 32-bit floats per colour, encode one table per colour or is None\n"
             "for coded values; see resample.h. The GIL is released while pixels are worked on.\n\n"
             "Raises ValueError for sizes, boxes, tables or strips that do not fit together, and MemoryError.");

static PyObject *
resample(PyObject *module, PyObject *arguments) {
    PyObject *strips, *decode, *encode, *schema, *array, *result = NULL;
    Py_ssize_t source_width, source_height, width, height;
    int filter, layout, portable;
    size_t pixels, bytes;
    tables held = {.decodes = 0, .encodes = 0};
    rs_job job = {0};

    (void)module;
    if (!PyArg_ParseTuple(arguments, "O(nn)(dddd)(nn)iiOOp", &strips, &source_width, &source_height, &job.left,
                          &job.top, &job.right, &job.bottom, &width, &height, &filter, &layout, &decode, &encode,
                          &portable)) {
        return NULL;
    }
    if (source_width <= 0 || source_height <= 0 || width <= 0 || height <= 0 || filter < 0 || layout < 0 ||
        !rs_colours((rs_layout)layout)) {
        raise_status(RS_INVALID);
        return NULL;
    }
    job.layout = (rs_layout)layout;
    job.filter = (rs_filter)filter;
    job.source_width = (size_t)source_width;
    job.source_height = (size_t)source_height;
    job.width = (size_t)width;
    job.height = (size_t)height;
    job.portable = portable;
    if (__builtin_mul_overflow(job.width, job.height, &pixels) ||
        __builtin_mul_overflow(pixels, rs_pixel_bytes(job.layout), &bytes) || bytes > PTRDIFF_MAX) {
        return PyErr_NoMemory();
    }
    if (set_tables(&job, &held, decode, encode)) {
        job.result = malloc(bytes);
        if (!job.result) {
            PyErr_NoMemory();
        } else if (!run(&job, strips)) {
            free(job.result);
        } else {
            array = array_capsule(job.result, job.layout == RS_GRAY16 ? pixels : bytes);
            schema = array ? schema_capsule(job.layout == RS_GRAY16 ? "s" : "C") : NULL;
            result = schema ? PyTuple_Pack(2, schema, array) : NULL;
            Py_XDECREF(schema);
            Py_XDECREF(array);
        }
    }
    release_tables(&held);
    return result;
}

static PyMethodDef methods[] = {
    {"resample", resample, METH_VARARGS, resample_doc},
    {NULL, NULL, 0, NULL},
};

static int
set_up(PyObject *module) {
    if (PyModule_AddIntConstant(module, "BILINEAR", RS_BILINEAR) < 0 ||
        PyModule_AddIntConstant(module, "BICUBIC", RS_BICUBIC) < 0 ||
        PyModule_AddIntConstant(module, "LANCZOS", RS_LANCZOS) < 0 ||
        PyModule_AddIntConstant(module, "GRAY8", RS_GRAY8) < 0 ||
        PyModule_AddIntConstant(module, "GRAY16", RS_GRAY16) < 0 ||
        PyModule_AddIntConstant(module, "RGB", RS_RGB) < 0 || PyModule_AddIntConstant(module, "RGBA", RS_RGBA) < 0 ||
        PyModule_AddIntConstant(module, "CMYK", RS_CMYK) < 0) {
        return -1;
    }
    return 0;
}

static PyModuleDef_Slot slots[] = {
    {Py_mod_exec, set_up},
    {0, NULL},
};

static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT,
    .m_name = "_resample",
    .m_doc = "Separable image resampling in linear light, in C.",
    .m_methods = methods,
    .m_slots = slots,
};

PyMODINIT_FUNC
PyInit__resample(void) {
    return PyModuleDef_Init(&definition);
}
