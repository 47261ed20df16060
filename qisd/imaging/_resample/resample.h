/* Separable image resampling in linear light.
 *
 * The core knows nothing of Python: it takes rows of coded pixels in order, and writes rows of coded pixels. A job is
 * opened, fed with rows (in as many pieces as the caller likes), and closed:
 *
 *     rs_state *state;
 *     if (rs_open(&state, &job) == RS_OK) {
 *         rs_feed(state, first_row, rows, pixels, stride);
 *         finished = rs_finished(state);
 *     }
 *     rs_close(state);
 *
 * Each coded value goes through a table to linear light (float), rows are resized horizontally and then vertically, and
 * the result goes back through a table. Memory in use is a few rows of floats, whatever the sizes.
 *
 * The weights are those of Pillow's Image.resize: the filter's support grows with the reduction ratio, pixel centres
 * lie at .5, weights beyond the picture's edge are dropped and the rest normalised.
 */
#ifndef QISD_RESAMPLE_H
#define QISD_RESAMPLE_H

#include <stddef.h>

typedef enum { RS_OK = 0, RS_INVALID = 1, RS_NO_MEMORY = 2 } rs_status;

typedef enum {
    RS_BILINEAR = 0, /* triangle, support 1 */
    RS_BICUBIC = 1,  /* Keys' cubic convolution with a = -0.5, support 2 */
    RS_LANCZOS = 2   /* Lanczos, support 3 */
} rs_filter;

typedef enum {
    RS_GRAY8 = 0,  /* 1 byte per pixel */
    RS_GRAY16 = 1, /* 2 bytes per pixel, low byte first */
    RS_RGB = 2,    /* 4 bytes per pixel, the fourth is ignored and comes out as 255 */
    RS_RGBA = 3,   /* 4 bytes per pixel, the fourth is alpha: straight in memory, premultiplied while resizing */
    RS_CMYK = 4    /* 4 bytes per pixel, all of them colours */
} rs_layout;

/* Encoding tables are indexed with the leading bits of the linear value as IEEE 754 single, counted from a smallest
 * value, so that steps are relative and shadows are as fine as lights whatever the curve.
 *   8 bit:  65,536 codes (unsigned char), 2048 steps per octave from 2^-32 up to 1.
 *   16 bit: 65,537 codes (float), 1024 steps per octave from 2^-64 up to 1, interpolated linearly. */
enum { RS_ENCODE_ENTRIES = 65536 };

typedef struct {
    const float *decode; /* 256 (8 bit) or 65,536 (16 bit) linear values, 0 to 1 */
    const void *encode;  /* see above; NULL in all channels: coded values are value * maximum */
} rs_channel;

typedef struct {
    rs_layout layout;
    rs_filter filter;
    size_t source_width, source_height; /* pixels */
    double left, top, right, bottom;    /* the part of the source to be resized, in source pixels */
    size_t width, height;               /* of the result, pixels */
    rs_channel channels[4];             /* as many as the layout has colours */
    void *result;                       /* height rows of width pixels, rows packed */
    int portable;                       /* not 0: never use instructions beyond the compiler's baseline */
} rs_job;

typedef struct rs_state rs_state;

/* Number of colour channels (alpha not counted) and bytes per pixel of a layout; 0 for an unknown layout. */
size_t rs_colours(rs_layout layout);
size_t rs_pixel_bytes(rs_layout layout);

/* On any result other than RS_OK *state is NULL. The tables and the result must outlive the state. */
rs_status rs_open(rs_state **state, const rs_job *job);

/* Take rows first_row … first_row + rows - 1 of the source. Rows that no result row needs may be left out; the others
 * must come in order and without a gap, else RS_INVALID. */
rs_status rs_feed(rs_state *state, size_t first_row, size_t rows, const void *pixels, size_t stride);

/* Not 0 once every row of the result is written. */
int rs_finished(const rs_state *state);

void rs_close(rs_state *state);

#endif
