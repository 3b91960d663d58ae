/* Window, Fourier transform, mel bands and logarithm in integers of 32 and 64 bits.
 *
 * The numbers of a transform share one exponent: before each stage all are halved until the stage cannot overflow. */
#include "asc_log_mel.h"

#if ASC_FIXED_POINT

#include <string.h>

#define ASC_SAFE (1 << 29) /* a stage multiplies a number by at most 1 + sqrt(2) */
#define ASC_LOW_BITS 20

#ifndef ASC_SHORT_PRODUCTS
#ifdef __ARM_ARCH_6M__ /* Cortex-M0 and M0+ multiply 32 bits to 32 bits only */
#define ASC_SHORT_PRODUCTS 1
#else
#define ASC_SHORT_PRODUCTS 0
#endif
#endif

/* (a * c + b * s) / 2^31 for |a|, |b| <= 2^30. */
#if ASC_SHORT_PRODUCTS
static inline int32_t product(int32_t a, int32_t c) {
    int32_t a_high = a >> 16, c_high = c >> 16, a_low = a & 0xffff, c_low = c & 0xffff;
    return a_high * c_high * 2 + ((a_high * c_low + (1 << 14)) >> 15) + ((a_low * c_high) >> 15);
}

static inline int32_t turned(int32_t a, int32_t c, int32_t b, int32_t s) { return product(a, c) + product(b, s); }
#else
static inline int32_t turned(int32_t a, int32_t c, int32_t b, int32_t s) {
    return (int32_t)(((int64_t)a * c + (int64_t)b * s + (1 << 30)) >> 31);
}
#endif

/* Halve all numbers until they are below ASC_SAFE; returns how often. *bound is then the largest size. */
static int make_room(int32_t *z, int64_t *bound) {
    int32_t largest = 0;
    for (size_t i = 0; i < ASC_FFT; ++i) {
        int32_t size = z[i] < 0 ? -z[i] : z[i];
        if (size > largest) largest = size;
    }
    int shift = 0;
    while (largest >> shift >= ASC_SAFE) ++shift;
    if (shift) {
        int32_t half = 1 << (shift - 1);
        for (size_t i = 0; i < ASC_FFT; ++i) z[i] = (z[i] + half) >> shift;
    }
    *bound = (largest >> shift) + 1;
    return shift;
}

/* The butterfly with w = 1. */
static inline void sum_and_difference(int32_t *a, int32_t *b) {
    for (size_t part = 0; part < 2; ++part) {
        int32_t value = b[part];
        b[part] = a[part] - value;
        a[part] += value;
    }
}

static inline void butterfly(int32_t *a, int32_t *b, int32_t c, int32_t s) {
    int32_t re = turned(b[0], c, b[1], s), im = turned(b[1], c, b[0], -s);
    b[0] = a[0] - re;
    b[1] = a[1] - im;
    a[0] += re;
    a[1] += im;
}

/* Complex Fourier transform in place, as in asc_log_mel_float.c; returns how often the numbers were halved. */
static int transform(int32_t *z) {
    int64_t bound = ASC_SAFE;
    int shifts = 0;
    for (size_t half = 1; half < ASC_HALF; half *= 2) {
        if (bound >= ASC_SAFE) shifts += make_room(z, &bound);
        for (size_t i = 0; i < ASC_HALF; i += 2 * half) sum_and_difference(z + 2 * i, z + 2 * (i + half));
        for (size_t j = 1; j < half; ++j) {
            size_t angle = j * (ASC_FFT / 2 / half);
            int32_t c = ASC_COS(angle), s = ASC_SIN(angle);
            for (size_t i = j; i < ASC_HALF; i += 2 * half) butterfly(z + 2 * i, z + 2 * (i + half), c, s);
        }
        bound = 5 * bound / 2; /* more than 1 + sqrt(2) */
    }
    return bound >= ASC_SAFE ? shifts + make_room(z, &bound) : shifts;
}

static inline uint64_t power_of(int64_t re, int64_t im) {
    re = (re + 2) >> 2; /* below 2^29 as well: a band's sum must fit into 64 bits */
    im = (im + 2) >> 2;
    return (uint64_t)(re * re) + (uint64_t)(im * im);
}

/* The power of a bin takes the place of the two numbers of its transform. */
static inline void set_power(int32_t *z, size_t bin, uint64_t power) { memcpy(z + 2 * bin, &power, sizeof power); }

static inline uint64_t power_at(const int32_t *z, size_t bin) {
    uint64_t power;
    memcpy(&power, z + 2 * bin, sizeof power);
    return power;
}

/* From the transform of pairs to the power of bin k, times 1/4, in the place of its number; returns the last bin's. */
static uint64_t power_of_bins(int32_t *z) {
    uint64_t last = power_of(2 * ((int64_t)z[0] - z[1]), 0);
    set_power(z, 0, power_of(2 * ((int64_t)z[0] + z[1]), 0));
    for (size_t k = 1; k <= ASC_HALF / 2; ++k) {
        const int32_t *a = z + 2 * k, *b = z + 2 * (ASC_HALF - k);
        int32_t even_re = a[0] + b[0], even_im = a[1] - b[1], odd_re = a[1] + b[1], odd_im = b[0] - a[0];
        int32_t c = ASC_COS(k), s = ASC_SIN(k);
        int32_t re = turned(odd_re, c, odd_im, s), im = turned(odd_im, c, odd_re, -s);
        uint64_t low = power_of((int64_t)even_re + re, (int64_t)even_im + im);
        uint64_t high = power_of((int64_t)even_re - re, (int64_t)even_im - im);
        set_power(z, ASC_HALF - k, high);
        set_power(z, k, low);
    }
    return last;
}

/* Logarithm to base 2, in 1/65536, of value * 2^exponent; value is not 0. */
static int32_t logarithm(uint64_t value, int exponent) {
    int high = 63;
    while (!(value >> high)) --high;
    /* The mantissa in 1/2^30, without its leading one. */
    uint32_t mantissa = (uint32_t)(high > 30 ? value >> (high - 30) : value << (30 - high)) & 0x3fffffffu;
    uint32_t place = mantissa >> (30 - ASC_LOG_BITS), rest = mantissa & ((1u << (30 - ASC_LOG_BITS)) - 1);
    uint32_t step = asc_log2[place + 1] - asc_log2[place];
    uint32_t between = (uint32_t)(((uint64_t)step * rest) >> (30 - ASC_LOG_BITS));
    return (high + exponent) * 65536 + (int32_t)(asc_log2[place] + between);
}

/* The logarithm of a band's sum of weight * power, of which the low bits are summed apart to keep 64 bits. */
static int32_t band_level(const int32_t *z, uint64_t last, size_t band, const asc_weight *weight, int exponent) {
    uint64_t high = 0, low = 0;
    for (size_t bin = asc_mel_first[band]; bin < asc_mel_end[band]; ++bin, ++weight) {
        uint64_t power = bin == ASC_HALF ? last : power_at(z, bin);
        high += (power >> ASC_LOW_BITS) * *weight;
        low += (power & ((1u << ASC_LOW_BITS) - 1)) * *weight;
    }
    high += low >> ASC_LOW_BITS;
    low &= (1u << ASC_LOW_BITS) - 1;
    if (high >> (64 - ASC_LOW_BITS)) return logarithm(high, exponent + ASC_LOW_BITS);
    uint64_t sum = (high << ASC_LOW_BITS) | low;
    return sum ? logarithm(sum, exponent) : INT32_MIN;
}

void asc_log_mel(asc_frontend *frontend) {
    asc_load(frontend);
    /* Samples are in 1/2^30; the power is that of the halved numbers, times 1/4. */
    int exponent = 2 * (transform(frontend->spectrum) - 30) + 2 + ASC_WEIGHT_EXPONENT;
    uint64_t last = power_of_bins(frontend->spectrum);
    const asc_weight *weight = asc_mel_weights;
    for (size_t band = 0; band < ASC_MEL_BINS; ++band) {
        int32_t level = band_level(frontend->spectrum, last, band, weight, exponent);
        weight += asc_mel_end[band] - asc_mel_first[band];
        if (level < ASC_FLOOR_LOG2) level = ASC_FLOOR_LOG2;
        frontend->features[band] = (int32_t)(((int64_t)level * 1488522236 + (1 << 30)) >> 31); /* ln 2 */
    }
}

int8_t asc_quantized(int32_t feature) {
    int64_t number = ((int64_t)feature * ASC_STEPS_PER_ONE + ((int64_t)1 << 31)) >> 32;
    number += ASC_FEATURE_ZERO_POINT;
    return (int8_t)(number < -128 ? -128 : number > 127 ? 127 : number);
}

#endif
