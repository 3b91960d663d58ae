/* Log-mel features from samples as they come. C99; no allocation, no library.
 *
 * Each frame is computed once, as soon as its last sample is there. The sizes and tables are those of the network
 * (asc_tables.h). ASC_FIXED_POINT 1 computes in integers, for chips without a floating point unit. */
#ifndef ASC_FRONTEND_H
#define ASC_FRONTEND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "asc_tables.h"

#ifdef __cplusplus
extern "C" {
#endif

#if ASC_FIXED_POINT
typedef int32_t asc_number;
#define ASC_ONE 65536 /* a feature of 1.0 */
#else
typedef float asc_number;
#define ASC_ONE 1.0f
#endif

typedef struct {
    int16_t ring[ASC_WINDOW];
    size_t place;   /* of the oldest sample in the ring */
    size_t missing; /* samples until the next frame */
    asc_number spectrum[ASC_FFT]; /* windowed samples, their transform, then the power of the bins, in one place */
    asc_number features[ASC_MEL_BINS]; /* of the last frame: natural logarithm of power, in ASC_ONE */
} asc_frontend;

/* Begin before the first sample of a recording. */
void asc_frontend_reset(asc_frontend *frontend);

/* Take up to `count` samples, as far as the next frame; returns how many were taken. If the frame is complete, *ready
 * is true and `features` holds it; call again with the other samples. */
size_t asc_frontend_push(asc_frontend *frontend, const int16_t *samples, size_t count, bool *ready);

/* The next frame, with silence in place of the samples that it lacks: for the end of a recording. */
void asc_frontend_pad(asc_frontend *frontend);

/* A feature as the network's input takes it. */
int8_t asc_quantized(asc_number feature);

/* The features of a window of samples, oldest at `place` of the ring. */
void asc_log_mel(asc_frontend *frontend);

#ifdef __cplusplus
}
#endif

#endif
