/* Fuzz target for the resampler: any bytes become a job (layout, filter, sizes, box, tables, strips), and whatever
 * comes of it must be written inside its memory, whole, and without undefined behaviour. Each job is run a second time
 * with the portable code, which must give the same; a picture of one value must stay that value.
 *
 * With libFuzzer: clang -fsanitize=fuzzer,address,undefined -Wl,--wrap=calloc -DLIBFUZZER fuzz_resample.c resample.c
 * Without: its own main() makes the inputs, the same ones each time: fuzz_resample [inputs [seconds [seed]]]
 */
#define _POSIX_C_SOURCE 200809L

#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "resample.h"

#define LARGEST_SOURCE ((size_t)1 << 18) /* pixels */
#define LARGEST_RESULT ((size_t)1 << 16)
#define LARGEST_BETWEEN ((size_t)1 << 18) /* resized horizontally only */

typedef struct {
    const uint8_t *at, *end;
} input;

static uint32_t
take(input *in, int bytes) {
    uint32_t value = 0;
    while (bytes-- && in->at < in->end) {
        value = value << 8 | *in->at++;
    }
    return value;
}

static void
demand(int holds, const char *what) {
    if (!holds) {
        fprintf(stderr, "does not hold: %s\n", what);
        abort();
    }
}

/* A side of every order of magnitude, 1 being as likely as 50,000. */
static size_t
side(input *in) {
    static const size_t most[] = {1, 2, 3, 5, 8, 9, 33, 70, 300, 1500, 9000, 70000};
    size_t top = most[take(in, 1) % (sizeof most / sizeof *most)];
    return 1 + take(in, 3) % top;
}

/* Edges inside, at, and beyond both ends, in whole and broken pixels, and no numbers at all. */
static double
edge(input *in, size_t length, double usual) {
    double part = (double)take(in, 3) / 0xffffff;
    switch (take(in, 1) % 12) {
        case 0:
            return part * (double)length;
        case 1:
            return floor(part * (double)length);
        case 2:
            return part * 1e-9;
        case 3:
            return (double)length - part * 1e-9;
        case 4:
            return take(in, 1) % 8 ? usual : NAN;
        case 5:
            return take(in, 1) % 8 ? usual : (part - 0.5) * 1e300;
        case 6:
            return take(in, 1) % 8 ? usual : -part;
        default:
            return usual;
    }
}

typedef struct {
    float decode8[256], decode16[65536], encode16[RS_ENCODE_ENTRIES + 1];
    uint8_t encode8[RS_ENCODE_ENTRIES];
} tables;

/* Linear light is the square of the coded value (curved), or that itself. */
static void
make_tables(tables *t, int curved) {
    for (int i = 0; i < 65536; i++) {
        float value = (float)i / 65535;
        t->decode16[i] = curved ? value * value : value;
        value = (float)(i % 256) / 255;
        t->decode8[i % 256] = curved ? value * value : value;
        t->encode8[i] = (uint8_t)(255 * sqrt(ldexp(1 + (i % 2048 + 0.5) / 2048, i / 2048 - 32)) + 0.5);
    }
    for (int i = 0; i <= 65536; i++) {
        t->encode16[i] = (float)(65535 * sqrt(ldexp(1 + i % 1024 / 1024.0, i / 1024 - 64)));
    }
}

static void
make_nonsense(tables *t, uint32_t seed) {
    static const float odd[] = {-1e30f, 1e30f, -0.0f, 1e-42f, NAN, INFINITY, -INFINITY, 7.0f};
    for (int i = 0; i < 65536; i++) {
        seed = seed * 1664525u + 1013904223u;
        t->decode8[i % 256] = t->decode16[i] = odd[seed >> 29];
        t->encode8[i] = (uint8_t)(seed >> 21);
        t->encode16[i] = odd[seed >> 26 & 7];
    }
}

/* Runs the job over the source in strips; returns the result, in memory of the exact size, or NULL if refused. */
static uint8_t *
run(rs_job job, const uint8_t *source, size_t strip, size_t bytes) {
    size_t pixel = rs_pixel_bytes(job.layout);
    rs_state *state;
    rs_status status;
    job.result = malloc(bytes);
    demand(job.result != NULL, "there is memory for the result");
    memset(job.result, 0xAA, bytes);
    status = rs_open(&state, &job);
    if (status != RS_OK) {
        demand(state == NULL, "a job that can't be opened leaves no state");
        free(job.result);
        return NULL;
    }
    for (size_t row = 0; row < job.source_height; row += strip) {
        size_t rows = job.source_height - row < strip ? job.source_height - row : strip;
        /* A copy of the exact size, so that reading beyond the strip is seen. */
        size_t length = rows * job.source_width * pixel;
        uint8_t *part = malloc(length);
        demand(part != NULL, "there is memory for a strip");
        memcpy(part, source + row * job.source_width * pixel, length);
        demand(rs_feed(state, row, rows, part, job.source_width * pixel) == RS_OK, "rows in order are taken");
        free(part);
    }
    demand(rs_finished(state), "the whole source makes the whole result");
    rs_close(state);
    return job.result;
}

static void
check_constant(const rs_job *job, const uint8_t *result, const uint8_t *pixel, size_t bytes) {
    size_t size = rs_pixel_bytes(job->layout);
    for (size_t i = 0; i < bytes; i += size) {
        if (job->layout == RS_GRAY16) {
            int code = result[i] | result[i + 1] << 8;
            demand(abs(code - (pixel[0] | pixel[1] << 8)) <= 1, "a 16-bit constant stays");
        } else if (job->layout == RS_RGB) {
            demand(memcmp(result + i, pixel, 3) == 0 && result[i + 3] == 255, "a colour stays");
        } else if (job->layout == RS_RGBA && pixel[3] == 0) {
            demand(memcmp(result + i, "\0\0\0\0", 4) == 0, "nothing stays nothing");
        } else {
            demand(memcmp(result + i, pixel, size) == 0, "a constant stays");
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    input in = {data, data + size};
    rs_job job = {0};
    static tables light, plain, odd;
    const tables *t = &plain;
    size_t pixels, bytes, strip;
    uint32_t seed;
    int nonsense, constant, curved;
    uint8_t *source, *result, *other;

    job.layout = (rs_layout)(take(&in, 1) % 5);
    job.filter = (rs_filter)(take(&in, 1) % 3);
    job.source_width = side(&in);
    job.source_height = side(&in);
    job.width = side(&in);
    job.height = side(&in);
    if (job.source_width * job.source_height > LARGEST_SOURCE || job.width * job.height > LARGEST_RESULT ||
        job.source_height * job.width > LARGEST_BETWEEN) {
        return 0;
    }
    job.left = edge(&in, job.source_width, 0);
    job.right = edge(&in, job.source_width, (double)job.source_width);
    job.top = edge(&in, job.source_height, 0);
    job.bottom = edge(&in, job.source_height, (double)job.source_height);
    strip = 1 + take(&in, 1) % 2 * take(&in, 2);
    nonsense = take(&in, 1) % 8 == 0;
    constant = take(&in, 1) % 4 == 0;
    curved = take(&in, 1) % 4 != 0;
    seed = take(&in, 4);
    if (light.decode8[255] == 0) {
        make_tables(&light, 1);
        make_tables(&plain, 0);
    }
    if (nonsense) {
        make_nonsense(&odd, seed);
        t = &odd;
    } else if (curved) {
        t = &light;
    }
    for (int c = 0; c < 4; c++) {
        int wide = job.layout == RS_GRAY16;
        job.channels[c].decode = wide ? t->decode16 : t->decode8;
        job.channels[c].encode = !curved ? NULL : wide ? (const void *)t->encode16 : t->encode8;
    }

    pixels = job.source_width * job.source_height;
    source = malloc(pixels * rs_pixel_bytes(job.layout));
    demand(source != NULL, "there is memory for the source");
    for (size_t i = 0; i < pixels * rs_pixel_bytes(job.layout); i++) {
        seed = seed * 1664525u + 1013904223u;
        source[i] = constant && i >= 4 ? source[i % rs_pixel_bytes(job.layout)] : (uint8_t)(seed >> 24);
    }
    if (constant && rs_pixel_bytes(job.layout) < 4) {
        for (size_t i = rs_pixel_bytes(job.layout); i < 4 && i < pixels * rs_pixel_bytes(job.layout); i++) {
            source[i] = source[i % rs_pixel_bytes(job.layout)];
        }
    }

    bytes = job.width * job.height * rs_pixel_bytes(job.layout);
    result = run(job, source, strip, bytes);
    if (result) {
        job.portable = 1;
        other = run(job, source, job.source_height, bytes);
        demand(other != NULL, "the portable code opens the same jobs");
        if (!nonsense && job.layout != RS_GRAY16 && job.layout != RS_RGBA) {
            for (size_t i = 0; i < bytes; i++) {
                demand(abs(result[i] - other[i]) <= 1, "the portable code gives the same picture");
            }
        }
        if (constant && !nonsense) {
            check_constant(&job, result, source, bytes);
        }
        free(other);
    } else {
        demand(!(job.left >= 0 && job.top >= 0 && job.left < job.right && job.top < job.bottom &&
                 job.right <= (double)job.source_width && job.bottom <= (double)job.source_height),
               "a good box is accepted");
    }
    free(result);
    free(source);
    return 0;
}

/* Jobs that no memory could hold must be refused, not tried. */
static void
check_refusals(void) {
    static float decode[256];
    static uint8_t result[4];
    static const size_t sides[] = {0, 1, (size_t)1 << 30, ((size_t)1 << 30) + 1, SIZE_MAX};
    size_t n = sizeof sides / sizeof *sides;
    rs_state *state;

    for (size_t i = 0; i < n * n * n * n; i++) {
        rs_job job = {.layout = RS_GRAY8, .filter = RS_LANCZOS, .channels = {{.decode = decode}}, .result = result};
        job.source_width = sides[i % n];
        job.source_height = sides[i / n % n];
        job.width = sides[i / n / n % n];
        job.height = sides[i / n / n / n];
        job.right = 1;
        job.bottom = 1;
        if (job.width > 1 || job.height > 1) {
            /* Sizes that might be allowed need gigabytes; ask only for what must be refused. */
            if (job.width <= sides[2] && job.height <= sides[2] && job.width && job.height) {
                continue;
            }
        }
        if (rs_open(&state, &job) == RS_OK) {
            demand(job.width == 1 && job.height == 1 && job.source_width - 1 < sides[2] &&
                       job.source_height - 1 < sides[2],
                   "only sides from 1 to 2^30 are accepted");
        }
        rs_close(state);
    }
}

/* Memory running out at any point must be told, and what was taken until then given back (the leak check sees to that).
 * The linker puts this in the place of calloc: -Wl,--wrap=calloc. */
void *__real_calloc(size_t count, size_t size);
void *__wrap_calloc(size_t count, size_t size);

static int allocations_left = -1;

void *
__wrap_calloc(size_t count, size_t size) {
    if (allocations_left == 0) {
        return NULL;
    }
    allocations_left -= allocations_left > 0;
    return __real_calloc(count, size);
}

static void
check_out_of_memory(void) {
    static float decode[256];
    static uint8_t result[64];
    rs_channel channel = {decode, NULL};
    rs_job job = {.layout = RS_RGB, .channels = {channel, channel, channel}, .result = result};
    rs_status status = RS_NO_MEMORY;
    int allowed;

    job.source_width = job.source_height = job.width = job.height = 4;
    job.right = job.bottom = 3.5;
    for (allowed = 0; status == RS_NO_MEMORY; allowed++) {
        rs_state *state;
        allocations_left = allowed;
        status = rs_open(&state, &job);
        allocations_left = -1;
        demand(!state == (status != RS_OK), "only an opened job has a state");
        rs_close(state);
    }
    demand(status == RS_OK && allowed > 10, "with enough memory the job is opened");
}

#ifndef LIBFUZZER
int
main(int argc, char **argv) {
    unsigned long inputs = argc > 1 ? strtoul(argv[1], NULL, 10) : 10000;
    double seconds = argc > 2 ? strtod(argv[2], NULL) : 30;
    uint64_t state = argc > 3 ? strtoull(argv[3], NULL, 10) : 1;
    struct timespec start, now;
    unsigned long done;

    check_refusals();
    check_out_of_memory();
    clock_gettime(CLOCK_MONOTONIC, &start);
    for (done = 0; done < inputs; done++) {
        uint8_t data[64];
        for (size_t i = 0; i < sizeof data; i++) {
            state = state * 6364136223846793005u + 1442695040888963407u;
            data[i] = (uint8_t)(state >> 56);
        }
        LLVMFuzzerTestOneInput(data, sizeof data);
        clock_gettime(CLOCK_MONOTONIC, &now);
        if ((double)(now.tv_sec - start.tv_sec) > seconds) {
            break;
        }
    }
    printf("%lu inputs, no fault\n", done);
    return done ? 0 : 1;
}
#endif
