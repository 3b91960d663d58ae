/* What the float and the fixed-point transform share. */
#ifndef ASC_LOG_MEL_H
#define ASC_LOG_MEL_H

#include "asc_frontend.h"

#define ASC_HALF (ASC_FFT / 2) /* complex numbers of the transform: two samples each */

/* Position in the ring of sample `i` of the window. */
static inline size_t asc_ring_place(const asc_frontend *frontend, size_t i) {
    size_t place = frontend->place + i;
    return place < ASC_WINDOW ? place : place - ASC_WINDOW;
}

/* The symmetric half of the window is stored; the periodic window's first value is 0. */
static inline size_t asc_window_place(size_t i) {
    return i <= ASC_WINDOW / 2 ? i : ASC_WINDOW - i;
}

/* The next number in bit-reversed order, for ASC_HALF numbers. */
static inline size_t asc_next_reversed(size_t reversed) {
    size_t bit = ASC_HALF / 2;
    while (reversed & bit) {
        reversed ^= bit;
        bit /= 2;
    }
    return reversed | bit;
}

/* A sample of the window, weighted; in fixed point a sample of 1 is 2^30. */
static inline asc_number asc_weighted(const asc_frontend *frontend, size_t i) {
    int16_t sample = frontend->ring[asc_ring_place(frontend, i)];
#if ASC_FIXED_POINT
    return (int32_t)(((int64_t)sample * asc_window[asc_window_place(i)] + (1 << 15)) >> 16);
#else
    return (float)sample * asc_window[asc_window_place(i)];
#endif
}

/* The samples of the window, then zeros, in pairs as complex numbers, in bit-reversed order. */
static inline void asc_load(asc_frontend *frontend) {
    size_t to = 0;
    for (size_t i = 0; i < ASC_FFT; i += 2) {
        frontend->spectrum[2 * to] = i < ASC_WINDOW ? asc_weighted(frontend, i) : 0;
        frontend->spectrum[2 * to + 1] = i + 1 < ASC_WINDOW ? asc_weighted(frontend, i + 1) : 0;
        to = asc_next_reversed(to);
    }
}

/* sin and cos of 2 pi i / ASC_FFT, 0 <= i <= ASC_FFT / 2, from a quarter of a wave. */
#define ASC_SIN(i) ((i) <= ASC_FFT / 4 ? asc_sine[i] : asc_sine[ASC_FFT / 2 - (i)])
#define ASC_COS(i) ((i) <= ASC_FFT / 4 ? asc_sine[ASC_FFT / 4 - (i)] : -asc_sine[(i)-ASC_FFT / 4])

#endif
