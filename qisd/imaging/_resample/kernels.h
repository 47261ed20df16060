/* The inner loops of the resampler. Included by resample.c only.
 *
 * Those with most of the arithmetic are written once with the compiler's vector types, and compiled twice on x86: for
 * the baseline, and for AVX2 with FMA, chosen at run time. (Not with target_clones: that needs ifunc, which not every C
 * library has, and a test could not ask for the portable version.) Sums differ in their last bits at most.
 */
#ifndef QISD_RESAMPLE_KERNELS_H
#define QISD_RESAMPLE_KERNELS_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

enum {
    BATCH = 4,      /* source rows handled together, so that weights are loaded once for all of them */
    PIXEL_TAPS = 2, /* taps per vector, four lanes each */
    GRAY_TAPS = 8,
    ROW_STEP = 32   /* floats per turn of add_rows */
};

/* aligned(4): loads and stores may be anywhere */
typedef float floats4 __attribute__((vector_size(16), aligned(4), may_alias));
typedef float floats8 __attribute__((vector_size(32), aligned(4), may_alias));

#define INLINE static inline __attribute__((always_inline))

typedef struct {
    void (*across_pixels)(float *const *lines, float *const *to, size_t rows, size_t width, size_t column,
                          const size_t *first, const size_t *count, const float *weight, size_t stride);
    void (*across_gray)(float *const *lines, float *const *to, size_t rows, size_t width, size_t column,
                        const size_t *first, const size_t *count, const float *weight, size_t stride);
    void (*add_rows)(float *sums, const float *const *rows, const float *weight, size_t count, size_t span);
    void (*unpremultiply)(float *sums, size_t width);
    void (*index)(const float *sums, size_t count, int curved, int alpha, uint32_t *index);
} kernels;

/* ---- horizontal pass -------------------------------------------------------------------------------------------- */

INLINE void
across_pixels_n(float *const *lines, float *const *to, const size_t rows, size_t width, size_t column,
                const size_t *first, const size_t *count, const float *weight, size_t stride) {
    for (size_t x = 0; x < width; x++) {
        const float *w = weight + x * stride;
        size_t from = (first[x] - column) * 4;
        size_t n = (count[x] + PIXEL_TAPS - 1) / PIXEL_TAPS * 8;
        floats8 sum[BATCH] = {{0}};
        for (size_t t = 0; t < n; t += 8) {
            floats8 k = *(const floats8 *)(w + t);
            for (size_t r = 0; r < rows; r++) {
                sum[r] += k * *(const floats8 *)(lines[r] + from + t);
            }
        }
        for (size_t r = 0; r < rows; r++) {
            float *out = to[r] + x * 4;
            for (int lane = 0; lane < 4; lane++) {
                out[lane] = sum[r][lane] + sum[r][lane + 4];
            }
        }
    }
}

INLINE void
across_gray_n(float *const *lines, float *const *to, const size_t rows, size_t width, size_t column,
              const size_t *first, const size_t *count, const float *weight, size_t stride) {
    for (size_t x = 0; x < width; x++) {
        const float *w = weight + x * stride;
        size_t from = first[x] - column;
        floats8 sum[BATCH] = {{0}};
        for (size_t t = 0; t < count[x]; t += GRAY_TAPS) {
            floats8 k = *(const floats8 *)(w + t);
            for (size_t r = 0; r < rows; r++) {
                sum[r] += k * *(const floats8 *)(lines[r] + from + t);
            }
        }
        for (size_t r = 0; r < rows; r++) {
            float total = 0.0f;
            for (int lane = 0; lane < 8; lane++) {
                total += sum[r][lane];
            }
            to[r][x] = total;
        }
    }
}

/* ---- vertical pass ---------------------------------------------------------------------------------------------- */

INLINE void
add_rows_body(float *sums, const float *const *rows, const float *weight, size_t count, size_t span) {
    for (size_t x = 0; x < span; x += ROW_STEP) {
        floats8 *to = (floats8 *)(sums + x);
        floats8 a = to[0], b = to[1], c = to[2], d = to[3];
        for (size_t j = 0; j < count; j++) {
            const floats8 *from = (const floats8 *)(rows[j] + x);
            float k = weight[j];
            a += k * from[0];
            b += k * from[1];
            c += k * from[2];
            d += k * from[3];
        }
        to[0] = a;
        to[1] = b;
        to[2] = c;
        to[3] = d;
    }
}

/* ---- back to coded values --------------------------------------------------------------------------------------- */

/* Below half a step of alpha the colour would be mostly noise, and nobody sees it: such pixels become all zero. */
INLINE void
unpremultiply_body(float *sums, size_t width) {
    for (size_t x = 0; x < width; x++) {
        float *p = sums + x * 4;
        float alpha = p[3];
        float by = alpha >= 0.5f / 255.0f ? 1.0f / alpha : 0.0f;
        p[0] *= by;
        p[1] *= by;
        p[2] *= by;
    }
}

/* Comparisons are written so that NaN becomes the lower bound. */
INLINE float
clamped(float value, float low, float high) {
    value = value > low ? value : low;
    return value < high ? value : high;
}

INLINE uint32_t
plain8(float value) {
    return (uint32_t)(int32_t)(clamped(value, 0.0f, 1.0f) * 255.0f + 0.5f);
}

INLINE uint32_t
bits_of(float value) {
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

#define BELOW_ONE 0x1.fffffep-1f

/* 2048 steps per octave from 2^-32 on */
INLINE uint32_t
curved8(float value) {
    return (bits_of(clamped(value, 0x1p-32f, BELOW_ONE)) - 0x2f800000u) >> 12;
}

/* Table indices (curved) or coded values (not curved, and every fourth value if alpha). */
INLINE void
index_body(const float *sums, size_t count, int curved, int alpha, uint32_t *index) {
    if (!curved) {
        for (size_t i = 0; i < count; i++) {
            index[i] = plain8(sums[i]);
        }
        return;
    }
    for (size_t i = 0; i < count; i++) {
        index[i] = curved8(sums[i]);
    }
    if (alpha) {
        for (size_t i = 3; i < count; i += 4) {
            index[i] = plain8(sums[i]);
        }
    }
}

static void
encode_plain(const uint32_t *index, size_t count, unsigned char *to) {
    for (size_t i = 0; i < count; i++) {
        to[i] = (unsigned char)index[i];
    }
}

static void
encode_gray8(const uint32_t *index, size_t width, const unsigned char *table, unsigned char *to) {
    for (size_t x = 0; x < width; x++) {
        to[x] = table[index[x]];
    }
}

static void
encode_rgba(const uint32_t *index, size_t width, const unsigned char *red, const unsigned char *green,
            const unsigned char *blue, unsigned char *to) {
    for (size_t i = 0; i < width * 4; i += 4) {
        to[i] = red[index[i]];
        to[i + 1] = green[index[i + 1]];
        to[i + 2] = blue[index[i + 2]];
        to[i + 3] = (unsigned char)index[i + 3];
    }
}

static void
encode_cmyk(const uint32_t *index, size_t width, const unsigned char *cyan, const unsigned char *magenta,
            const unsigned char *yellow, const unsigned char *black, unsigned char *to) {
    for (size_t i = 0; i < width * 4; i += 4) {
        to[i] = cyan[index[i]];
        to[i + 1] = magenta[index[i + 1]];
        to[i + 2] = yellow[index[i + 2]];
        to[i + 3] = black[index[i + 3]];
    }
}

static void
fill_fourth(unsigned char *to, size_t width) {
    for (size_t i = 3; i < width * 4; i += 4) {
        to[i] = 255;
    }
}

/* 1024 steps per octave from 2^-64 on, interpolated; without a table the coded value is the linear one. */
static void
encode_gray16(const float *sums, size_t width, const float *table, unsigned char *to) {
    for (size_t x = 0; x < width; x++) {
        float value;
        uint32_t code;
        if (table) {
            uint32_t place = bits_of(clamped(sums[x], 0x1p-64f, BELOW_ONE)) - 0x1f800000u;
            float low = table[place >> 13];
            float high = table[(place >> 13) + 1];
            value = low + (high - low) * ((float)(place & 0x1fff) * 0x1p-13f);
        } else {
            value = sums[x] * 65535.0f;
        }
        code = (uint32_t)(clamped(value, 0.0f, 65535.0f) + 0.5f);
        to[x * 2] = (unsigned char)(code & 255);
        to[x * 2 + 1] = (unsigned char)(code >> 8);
    }
}

/* ---- from coded values ------------------------------------------------------------------------------------------ */

static void
decode_gray8(const unsigned char *from, size_t count, const float *table, float *line) {
    for (size_t x = 0; x < count; x++) {
        line[x] = table[from[x]];
    }
}

static void
decode_gray16(const unsigned char *from, size_t count, const float *table, float *line) {
    for (size_t x = 0; x < count; x++) {
        line[x] = table[from[x * 2] | (unsigned)from[x * 2 + 1] << 8];
    }
}

static void
decode_rgb(const unsigned char *from, size_t count, float (*const table)[256][4], float *line) {
    for (size_t x = 0; x < count; x++) {
        const unsigned char *p = from + x * 4;
        *(floats4 *)(line + x * 4) = *(const floats4 *)table[0][p[0]] + *(const floats4 *)table[1][p[1]] +
                                     *(const floats4 *)table[2][p[2]];
    }
}

static void
decode_rgba(const unsigned char *from, size_t count, float (*const table)[256][4], float *line) {
    for (size_t x = 0; x < count; x++) {
        const unsigned char *p = from + x * 4;
        *(floats4 *)(line + x * 4) = (*(const floats4 *)table[0][p[0]] + *(const floats4 *)table[1][p[1]] +
                                      *(const floats4 *)table[2][p[2]]) *
                                     *(const floats4 *)table[3][p[3]];
    }
}

static void
decode_cmyk(const unsigned char *from, size_t count, float (*const table)[256][4], float *line) {
    for (size_t x = 0; x < count; x++) {
        const unsigned char *p = from + x * 4;
        *(floats4 *)(line + x * 4) = (*(const floats4 *)table[0][p[0]] + *(const floats4 *)table[1][p[1]]) +
                                     (*(const floats4 *)table[2][p[2]] + *(const floats4 *)table[3][p[3]]);
    }
}

/* ---- one set per instruction set -------------------------------------------------------------------------------- */

#define KERNELS(name, attributes)                                                                                      \
    attributes static void across_pixels_##name(float *const *lines, float *const *to, size_t rows, size_t width,      \
                                                size_t column, const size_t *first, const size_t *count,               \
                                                const float *weight, size_t stride) {                                  \
        if (rows == BATCH) {                                                                                           \
            across_pixels_n(lines, to, BATCH, width, column, first, count, weight, stride);                            \
            return;                                                                                                    \
        }                                                                                                              \
        for (size_t r = 0; r < rows; r++) {                                                                            \
            across_pixels_n(lines + r, to + r, 1, width, column, first, count, weight, stride);                        \
        }                                                                                                              \
    }                                                                                                                  \
    attributes static void across_gray_##name(float *const *lines, float *const *to, size_t rows, size_t width,        \
                                              size_t column, const size_t *first, const size_t *count,                 \
                                              const float *weight, size_t stride) {                                    \
        if (rows == BATCH) {                                                                                           \
            across_gray_n(lines, to, BATCH, width, column, first, count, weight, stride);                              \
            return;                                                                                                    \
        }                                                                                                              \
        for (size_t r = 0; r < rows; r++) {                                                                            \
            across_gray_n(lines + r, to + r, 1, width, column, first, count, weight, stride);                          \
        }                                                                                                              \
    }                                                                                                                  \
    attributes static void add_rows_##name(float *sums, const float *const *rows, const float *weight, size_t count,   \
                                           size_t span) {                                                              \
        add_rows_body(sums, rows, weight, count, span);                                                                \
    }                                                                                                                  \
    attributes static void unpremultiply_##name(float *sums, size_t width) { unpremultiply_body(sums, width); }        \
    attributes static void index_##name(const float *sums, size_t count, int curved, int alpha, uint32_t *index) {     \
        index_body(sums, count, curved, alpha, index);                                                                 \
    }                                                                                                                  \
    static const kernels kernels_##name = {across_pixels_##name, across_gray_##name, add_rows_##name,                  \
                                           unpremultiply_##name, index_##name};

KERNELS(portable, )

#if defined(__x86_64__)
KERNELS(avx2, __attribute__((target("avx2,fma"))))
#endif

static const kernels *
choose_kernels(int portable) {
#if defined(__x86_64__)
    if (!portable && __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) {
        return &kernels_avx2;
    }
#else
    (void)portable;
#endif
    return &kernels_portable;
}

#endif
