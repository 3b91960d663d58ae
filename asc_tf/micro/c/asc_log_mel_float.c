/* Window, Fourier transform, mel bands and logarithm in single precision. */
#include "asc_log_mel.h"

#if !ASC_FIXED_POINT

#include <string.h>

/* One butterfly: a, b = a + w b, a - w b with w = c - i s. */
static inline void butterfly(float *a, float *b, float c, float s) {
    float re = b[0] * c + b[1] * s, im = b[1] * c - b[0] * s;
    b[0] = a[0] - re;
    b[1] = a[1] - im;
    a[0] += re;
    a[1] += im;
}

/* Complex Fourier transform of ASC_HALF numbers in bit-reversed order, in place. */
static void transform(float *z) {
    for (size_t half = 1; half < ASC_HALF; half *= 2) {
        for (size_t j = 0; j < half; ++j) {
            size_t angle = j * (ASC_FFT / 2 / half);
            float c = ASC_COS(angle), s = ASC_SIN(angle);
            for (size_t i = j; i < ASC_HALF; i += 2 * half) butterfly(z + 2 * i, z + 2 * (i + half), c, s);
        }
    }
}

/* From the transform of pairs to the power of bin k at z[2 k]; the last bin's stands at z[1]. */
static void power_of_bins(float *z) {
    float first = z[0] + z[1], last = z[0] - z[1];
    z[0] = first * first;
    z[1] = last * last;
    for (size_t k = 1; k <= ASC_HALF / 2; ++k) {
        float *a = z + 2 * k, *b = z + 2 * (ASC_HALF - k);
        float even_re = 0.5f * (a[0] + b[0]), even_im = 0.5f * (a[1] - b[1]);
        float odd_re = 0.5f * (a[1] + b[1]), odd_im = 0.5f * (b[0] - a[0]);
        float c = ASC_COS(k), s = ASC_SIN(k);
        float re = odd_re * c + odd_im * s, im = odd_im * c - odd_re * s;
        float low = (even_re + re) * (even_re + re) + (even_im + im) * (even_im + im);
        float high = (even_re - re) * (even_re - re) + (even_im - im) * (even_im - im);
        a[0] = low;
        b[0] = k == ASC_HALF / 2 ? low : high;
    }
}

static float logarithm(float value) {
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    size_t place = bits >> (23 - ASC_LOG_BITS) & ((1u << ASC_LOG_BITS) - 1);
    float exponent = (float)((int32_t)(bits >> 23) - 127);
    bits = (bits & 0x7fffffu) | 0x3f800000u; /* the mantissa, 1 to 2 */
    memcpy(&value, &bits, sizeof value);
    float rest = value * asc_log_inverse[place] - 1.0f;
    return exponent * 0.693147181f + (asc_log[place] + rest * (1.0f - 0.5f * rest));
}

void asc_log_mel(asc_frontend *frontend) {
    float *z = frontend->spectrum;
    asc_load(frontend);
    transform(z);
    power_of_bins(z);
    const asc_weight *weight = asc_mel_weights;
    for (size_t band = 0; band < ASC_MEL_BINS; ++band) {
        float sum = 0.0f;
        for (size_t bin = asc_mel_first[band]; bin < asc_mel_end[band]; ++bin) {
            sum += *weight++ * z[bin == ASC_HALF ? 1 : 2 * bin];
        }
        frontend->features[band] = logarithm(sum > ASC_FLOOR ? sum : ASC_FLOOR);
    }
}

int8_t asc_quantized(float feature) {
    float number = feature * (1.0f / ASC_FEATURE_SCALE) + (float)ASC_FEATURE_ZERO_POINT;
    if (number <= -128.0f) return -128;
    if (number >= 127.0f) return 127;
    return (int8_t)((int32_t)(number + 256.5f) - 256);
}

#endif
