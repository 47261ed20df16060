/* See resample.h for what this does, kernels.h for the inner loops. */
#include "resample.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "kernels.h"

#define PI 3.14159265358979323846

/* Any size beyond this is a mistake, and below it the arithmetic on doubles is exact. */
#define MAX_SIDE ((size_t)1 << 30)

/* Weights of one axis: result i is the sum of weight[i * stride + j] * source[first[i] + j] over j < count[i]. */
typedef struct {
    size_t length;
    size_t stride;
    size_t *first;
    size_t *count;
    float *weight;
} axis;

struct rs_state {
    rs_job job;
    const kernels *run;
    int lanes;      /* floats per pixel while working */
    axis across, down;
    size_t column;  /* first source column that is needed */
    size_t columns; /* how many are */
    size_t line;    /* floats per decoded source row */
    size_t span;    /* floats per horizontally resized row, a multiple of ROW_STEP */
    float lanes_table[4][256][4]; /* 8 bit, 4 lanes: a coded value's share of the whole linear pixel */
    float *lines;   /* BATCH decoded source rows */
    float *resized; /* horizontally resized rows: BATCH of them, or a ring if gathering */
    float *sums;    /* result rows in the making, a ring */
    uint32_t *index;
    const float **rows;
    int gather;
    size_t resized_rows, sum_rows;
    size_t next_source; /* the source row to come next */
    size_t next_result; /* the result row to be written next */
};

static void *
array_of(size_t count, size_t per, size_t size) {
    size_t total;
    if (__builtin_mul_overflow(count, per, &total) || __builtin_mul_overflow(total, size, &total)) {
        return NULL;
    }
    return calloc(total ? total : 1, 1);
}

/* ---- weights ---------------------------------------------------------------------------------------------------- */

static double
filter_support(rs_filter filter) {
    return filter == RS_BILINEAR ? 1.0 : filter == RS_BICUBIC ? 2.0 : 3.0;
}

static double
filter_value(rs_filter filter, double x) {
    x = fabs(x);
    switch (filter) {
        case RS_BILINEAR:
            return x < 1.0 ? 1.0 - x : 0.0;
        case RS_BICUBIC:
            if (x < 1.0) {
                return (1.5 * x - 2.5) * x * x + 1.0;
            }
            return x < 2.0 ? ((-0.5 * x + 2.5) * x - 4.0) * x + 2.0 : 0.0;
        default: {
            /* sinc(x) sinc(x/3), with sin 3a = 3 sin a - 4 sin³ a to need one sine only */
            if (x >= 3.0) {
                return 0.0;
            }
            if (x < 1e-8) {
                return 1.0;
            }
            double a = x * (PI / 3.0);
            double s = sin(a);
            return s * (3.0 * s - 4.0 * s * s * s) / (3.0 * a * a);
        }
    }
}

static void
axis_clear(axis *a) {
    free(a->first);
    free(a->count);
    free(a->weight);
}

/* `step` taps are handled at once, so each row of weights is filled up with zeros to a multiple of it; each weight is
 * stored `copies` times in a row, once per lane. */
static rs_status
axis_make(axis *a, size_t source, double from, double to, size_t length, rs_filter filter, size_t step, size_t copies) {
    double scale = (to - from) / (double)length;
    double stretch = scale < 1.0 ? 1.0 : scale;
    double support = filter_support(filter) * stretch;
    size_t taps = (size_t)ceil(support) * 2 + 1;
    double *exact;

    if (taps > source) {
        taps = source;
    }
    taps = (taps + step - 1) / step * step;
    a->length = length;
    a->stride = taps * copies;
    a->first = array_of(length, 1, sizeof *a->first);
    a->count = array_of(length, 1, sizeof *a->count);
    a->weight = array_of(length, a->stride, sizeof *a->weight);
    exact = array_of(taps, 1, sizeof *exact);
    if (!a->first || !a->count || !a->weight || !exact) {
        free(exact);
        return RS_NO_MEMORY;
    }
    for (size_t i = 0; i < length; i++) {
        double centre = from + ((double)i + 0.5) * scale;
        double low = centre - support + 0.5;
        double high = centre + support + 0.5;
        size_t first = low > 0.0 ? (size_t)low : 0;
        size_t end = high < (double)source ? (size_t)high : source;
        double sum = 0.0;

        if (first >= source) {
            first = source - 1;
        }
        if (end <= first) {
            end = first + 1;
        }
        if (end - first > taps) {
            end = first + taps;
        }
        for (size_t j = first; j < end; j++) {
            exact[j - first] = filter_value(filter, ((double)j + 0.5 - centre) / stretch);
            sum += exact[j - first];
        }
        for (size_t j = first; j < end; j++) {
            float weight = sum != 0.0 ? (float)(exact[j - first] / sum) : (j == first ? 1.0f : 0.0f);
            for (size_t c = 0; c < copies; c++) {
                a->weight[i * a->stride + (j - first) * copies + c] = weight;
            }
        }
        a->first[i] = first;
        a->count[i] = end - first;
    }
    free(exact);
    return RS_OK;
}

/* ---- opening and closing ---------------------------------------------------------------------------------------- */

size_t
rs_colours(rs_layout layout) {
    switch (layout) {
        case RS_GRAY8:
        case RS_GRAY16:
            return 1;
        case RS_RGB:
        case RS_RGBA:
            return 3;
        case RS_CMYK:
            return 4;
    }
    return 0;
}

size_t
rs_pixel_bytes(rs_layout layout) {
    return layout == RS_GRAY8 ? 1 : layout == RS_GRAY16 ? 2 : rs_colours(layout) ? 4 : 0;
}

static int
valid(const rs_job *job) {
    size_t colours = rs_colours(job->layout);
    if (!colours || (unsigned)job->filter > RS_LANCZOS || !job->result) {
        return 0;
    }
    for (size_t c = 0; c < colours; c++) {
        if (!job->channels[c].decode || !job->channels[c].encode != !job->channels[0].encode) {
            return 0;
        }
    }
    if (!job->width || !job->height || !job->source_width || !job->source_height) {
        return 0;
    }
    if (job->width > MAX_SIDE || job->height > MAX_SIDE || job->source_width > MAX_SIDE ||
        job->source_height > MAX_SIDE) {
        return 0;
    }
    /* Written so that NaN fails. */
    return job->left >= 0.0 && job->top >= 0.0 && job->left < job->right && job->top < job->bottom &&
           job->right <= (double)job->source_width && job->bottom <= (double)job->source_height;
}

static void
fill_lanes_table(rs_state *s) {
    int alpha = s->job.layout == RS_RGBA;
    size_t colours = rs_colours(s->job.layout);
    for (size_t c = 0; c < colours; c++) {
        for (int v = 0; v < 256; v++) {
            s->lanes_table[c][v][c] = s->job.channels[c].decode[v];
            /* so that red + green + blue = (r, g, b, 1), to be multiplied by (a, a, a, a) */
            s->lanes_table[c][v][3] += alpha && c == 0 ? 1.0f : 0.0f;
        }
    }
    if (alpha) {
        for (int v = 0; v < 256; v++) {
            for (int lane = 0; lane < 4; lane++) {
                s->lanes_table[3][v][lane] = (float)v / 255.0f;
            }
        }
    }
}

/* How many result rows can be in the making at once: rows that begin before one ends. (While a batch is added, a row
 * that ends in it is written before its place in the ring is needed again.) */
static size_t
rows_in_the_making(const axis *down) {
    size_t most = 1;
    size_t end = 0;
    for (size_t i = 0; i < down->length; i++) {
        while (end < down->length && down->first[end] < down->first[i] + down->count[i]) {
            end++;
        }
        most = end - i > most ? end - i : most;
    }
    return most;
}

static size_t
longest(const axis *down) {
    size_t most = 1;
    for (size_t i = 0; i < down->length; i++) {
        most = down->count[i] > most ? down->count[i] : most;
    }
    return most;
}

static rs_status
prepare(rs_state *s) {
    const rs_job *job = &s->job;
    size_t last, ring, making;
    size_t step, copies;
    rs_status status;

    s->lanes = rs_colours(job->layout) == 1 ? 1 : 4;
    step = s->lanes == 1 ? GRAY_TAPS : PIXEL_TAPS;
    copies = s->lanes == 1 ? 1 : 4;
    status = axis_make(&s->across, job->source_width, job->left, job->right, job->width, job->filter, step, copies);
    if (status == RS_OK) {
        status = axis_make(&s->down, job->source_height, job->top, job->bottom, job->height, job->filter, 1, 1);
    }
    if (status != RS_OK) {
        return status;
    }
    last = job->width - 1;
    s->column = s->across.first[0];
    s->columns = s->across.first[last] + s->across.count[last] - s->column;
    /* Taps are read in groups: there must be something (zeros) to read beyond the last pixel. */
    s->line = (s->columns + step) * (size_t)s->lanes;
    s->span = (job->width * (size_t)s->lanes + ROW_STEP - 1) / ROW_STEP * ROW_STEP;

    /* Reducing, few result rows are in the making at a time, and each source row is added to them. Enlarging, few
     * source rows make one result row, and are gathered. Take what needs fewer rows in memory. */
    ring = longest(&s->down) + BATCH;
    making = rows_in_the_making(&s->down);
    s->gather = ring < making + BATCH;
    s->resized_rows = s->gather ? ring : BATCH;
    s->sum_rows = s->gather ? 1 : making;

    s->lines = array_of(BATCH, s->line, sizeof *s->lines);
    s->resized = array_of(s->resized_rows, s->span, sizeof *s->resized);
    s->sums = array_of(s->sum_rows, s->span, sizeof *s->sums);
    s->index = array_of(s->span, 1, sizeof *s->index);
    s->rows = array_of(s->resized_rows, 1, sizeof *s->rows);
    if (!s->lines || !s->resized || !s->sums || !s->index || !s->rows) {
        return RS_NO_MEMORY;
    }
    if (s->lanes == 4) {
        fill_lanes_table(s);
    }
    s->next_source = s->down.first[0];
    return RS_OK;
}

rs_status
rs_open(rs_state **state, const rs_job *job) {
    rs_state *s;
    rs_status status;

    *state = NULL;
    if (!valid(job)) {
        return RS_INVALID;
    }
    s = calloc(1, sizeof *s);
    if (!s) {
        return RS_NO_MEMORY;
    }
    s->job = *job;
    s->run = choose_kernels(job->portable);
    status = prepare(s);
    if (status != RS_OK) {
        rs_close(s);
        return status;
    }
    *state = s;
    return RS_OK;
}

void
rs_close(rs_state *s) {
    if (!s) {
        return;
    }
    axis_clear(&s->across);
    axis_clear(&s->down);
    free(s->lines);
    free(s->resized);
    free(s->sums);
    free(s->index);
    free((void *)s->rows);
    free(s);
}

int
rs_finished(const rs_state *s) {
    return s->next_result == s->job.height;
}

/* ---- running ---------------------------------------------------------------------------------------------------- */

static void
decode_line(rs_state *s, const unsigned char *pixels, float *line) {
    const unsigned char *from = pixels + s->column * rs_pixel_bytes(s->job.layout);
    switch (s->job.layout) {
        case RS_GRAY8:
            decode_gray8(from, s->columns, s->job.channels[0].decode, line);
            break;
        case RS_GRAY16:
            decode_gray16(from, s->columns, s->job.channels[0].decode, line);
            break;
        case RS_RGB:
            decode_rgb(from, s->columns, s->lanes_table, line);
            break;
        case RS_RGBA:
            decode_rgba(from, s->columns, s->lanes_table, line);
            break;
        case RS_CMYK:
            decode_cmyk(from, s->columns, s->lanes_table, line);
            break;
    }
}

static void
write_row(rs_state *s, float *sums, size_t y) {
    const rs_job *job = &s->job;
    size_t row = job->width * rs_pixel_bytes(job->layout);
    unsigned char *to = (unsigned char *)job->result + y * row;
    const rs_channel *c = job->channels;

    if (job->layout == RS_RGBA) {
        s->run->unpremultiply(sums, job->width);
    }
    if (job->layout == RS_GRAY16) {
        encode_gray16(sums, job->width, c[0].encode, to);
        return;
    }
    s->run->index(sums, s->span, c[0].encode != NULL, s->lanes == 4 && job->layout != RS_CMYK, s->index);
    if (!c[0].encode) {
        encode_plain(s->index, job->width * (size_t)s->lanes, to);
    } else if (s->lanes == 1) {
        encode_gray8(s->index, job->width, c[0].encode, to);
    } else if (job->layout == RS_CMYK) {
        encode_cmyk(s->index, job->width, c[0].encode, c[1].encode, c[2].encode, c[3].encode, to);
    } else {
        encode_rgba(s->index, job->width, c[0].encode, c[1].encode, c[2].encode, to);
    }
    if (job->layout == RS_RGB) {
        fill_fourth(to, job->width);
    }
}

/* The rows first … end - 1 lie resized in s->resized; add them to every result row that they are part of. */
static void
scatter(rs_state *s, size_t first, size_t end) {
    for (size_t y = s->next_result; y < s->job.height && s->down.first[y] < end; y++) {
        size_t low = s->down.first[y];
        size_t high = low + s->down.count[y];
        size_t from = low > first ? low : first;
        size_t to = high < end ? high : end;
        float *sums = s->sums + y % s->sum_rows * s->span;

        if (from < to) {
            s->run->add_rows(sums, s->rows + (from - first), s->down.weight + y * s->down.stride + (from - low),
                             to - from, s->span);
        }
        if (high <= end) {
            write_row(s, sums, y);
            memset(sums, 0, s->span * sizeof *sums);
            s->next_result = y + 1;
        }
    }
}

/* All rows below `end` that are still needed lie in the ring; write every result row that needs no more. */
static void
gather(rs_state *s, size_t end) {
    while (s->next_result < s->job.height) {
        size_t y = s->next_result;
        size_t low = s->down.first[y];
        size_t count = s->down.count[y];
        if (low + count > end) {
            return;
        }
        for (size_t j = 0; j < count; j++) {
            s->rows[j] = s->resized + (low + j) % s->resized_rows * s->span;
        }
        memset(s->sums, 0, s->span * sizeof *s->sums);
        s->run->add_rows(s->sums, s->rows, s->down.weight + y * s->down.stride, count, s->span);
        write_row(s, s->sums, y);
        s->next_result = y + 1;
    }
}

static void
take_batch(rs_state *s, const unsigned char *pixels, size_t stride, size_t count) {
    size_t first = s->next_source;
    float *lines[BATCH], *to[BATCH];

    for (size_t r = 0; r < count; r++) {
        lines[r] = s->lines + r * s->line;
        to[r] = s->resized + (s->gather ? (first + r) % s->resized_rows : r) * s->span;
        decode_line(s, pixels + r * stride, lines[r]);
    }
    if (s->lanes == 1) {
        s->run->across_gray(lines, to, count, s->job.width, s->column, s->across.first, s->across.count,
                            s->across.weight, s->across.stride);
    } else {
        s->run->across_pixels(lines, to, count, s->job.width, s->column, s->across.first, s->across.count,
                              s->across.weight, s->across.stride);
    }
    s->next_source = first + count;
    if (s->gather) {
        gather(s, first + count);
    } else {
        for (size_t r = 0; r < count; r++) {
            s->rows[r] = to[r];
        }
        scatter(s, first, first + count);
    }
}

rs_status
rs_feed(rs_state *s, size_t first_row, size_t rows, const void *pixels, size_t stride) {
    size_t bottom = s->down.first[s->job.height - 1] + s->down.count[s->job.height - 1];
    size_t end;

    if (first_row > s->job.source_height || rows > s->job.source_height - first_row ||
        (rows && (!pixels || stride < s->job.source_width * rs_pixel_bytes(s->job.layout)))) {
        return RS_INVALID;
    }
    end = first_row + rows < bottom ? first_row + rows : bottom;
    if (end <= s->next_source) {
        return RS_OK;
    }
    if (first_row > s->next_source) {
        return RS_INVALID;
    }
    while (s->next_source < end) {
        size_t left = end - s->next_source;
        take_batch(s, (const unsigned char *)pixels + (s->next_source - first_row) * stride, stride,
                   left < BATCH ? left : BATCH);
    }
    return RS_OK;
}
