#include "asc_frontend.h"

void asc_frontend_reset(asc_frontend *frontend) {
    /* The first frame is centred on the first sample: zeros fill the half before it. */
    for (size_t i = 0; i < ASC_WINDOW; ++i) frontend->ring[i] = 0;
    frontend->place = 0;
    frontend->missing = ASC_WINDOW - ASC_WINDOW / 2;
}

static void put(asc_frontend *frontend, int16_t sample) {
    frontend->ring[frontend->place] = sample;
    frontend->place = frontend->place + 1 == ASC_WINDOW ? 0 : frontend->place + 1;
    --frontend->missing;
}

static void finish_frame(asc_frontend *frontend) {
    asc_log_mel(frontend);
    frontend->missing = ASC_HOP;
}

size_t asc_frontend_push(asc_frontend *frontend, const int16_t *samples, size_t count, bool *ready) {
    size_t taken = count < frontend->missing ? count : frontend->missing;
    for (size_t i = 0; i < taken; ++i) put(frontend, samples[i]);
    *ready = frontend->missing == 0;
    if (*ready) finish_frame(frontend);
    return taken;
}

void asc_frontend_pad(asc_frontend *frontend) {
    while (frontend->missing) put(frontend, 0);
    finish_frame(frontend);
}
