#include "asc_stream.h"

static void begin_level(asc_stream *stream) {
    const asc_level nothing = {0, 0, 0};
    stream->levels[stream->level] = nothing;
}

/* Begin a window at the next sample. */
static void begin_window(asc_stream *stream) {
    asc_frontend_reset(&stream->frontend);
    stream->frames = stream->place = 0;
    stream->due = ASC_FRAMES;
    for (stream->level = ASC_LEVELS - 1; stream->level > 0; --stream->level) begin_level(stream);
    begin_level(stream);
}

void asc_stream_reset(asc_stream *stream, int8_t *map) {
    stream->map = map;
    stream->ready = stream->turn = stream->smoothed = false;
    begin_window(stream);
}

static void measure(asc_level *level, const int16_t *samples, size_t count) {
    for (size_t i = 0; i < count; ++i) {
        level->sum += samples[i];
        level->squares += (uint64_t)((int32_t)samples[i] * samples[i]);
    }
    level->count += (uint32_t)count;
}

static void take_frame(asc_stream *stream) {
    for (size_t band = 0; band < ASC_MEL_BINS; ++band) {
        stream->map[band * ASC_FRAMES + stream->place] = asc_quantized(stream->frontend.features[band]);
    }
    stream->place = stream->place + 1 == ASC_FRAMES ? 0 : stream->place + 1;
    if (stream->frames < ASC_FRAMES) ++stream->frames;
    --stream->due;
}

#if ASC_STEP_FRAMES

size_t asc_stream_push(asc_stream *stream, const int16_t *samples, size_t count) {
    if (stream->turn) {
        stream->level = (stream->level + 1) % ASC_LEVELS;
        begin_level(stream);
    }
    bool complete;
    size_t taken = asc_frontend_push(&stream->frontend, samples, count, &complete);
    measure(&stream->levels[stream->level], samples, taken);
    if (complete) {
        if (stream->due == 0) stream->due = ASC_STEP_FRAMES;
        take_frame(stream);
    }
    stream->turn = complete && stream->due % ASC_STEP_FRAMES == 0;
    stream->ready = complete && stream->due == 0;
    return taken;
}

#else

size_t asc_stream_push(asc_stream *stream, const int16_t *samples, size_t count) {
    if (stream->ready) begin_window(stream);
    size_t missing = ASC_SAMPLES - stream->levels[0].count;
    if (count > missing) count = missing;
    bool complete;
    size_t taken = asc_frontend_push(&stream->frontend, samples, count, &complete);
    measure(&stream->levels[0], samples, taken);
    if (complete) take_frame(stream);
    stream->ready = stream->levels[0].count == ASC_SAMPLES;
    while (stream->ready && stream->due) {
        asc_frontend_pad(&stream->frontend);
        take_frame(stream);
    }
    return taken;
}

#endif

void asc_stream_copy(const asc_stream *stream, int8_t *input) {
    for (size_t band = 0; band < ASC_MEL_BINS; ++band) {
        const int8_t *row = stream->map + band * ASC_FRAMES;
        size_t to = 0;
        for (size_t frame = stream->place; frame < ASC_FRAMES; ++frame) input[band * ASC_FRAMES + to++] = row[frame];
        for (size_t frame = 0; frame < stream->place; ++frame) input[band * ASC_FRAMES + to++] = row[frame];
    }
}

bool asc_stream_is_silent(const asc_stream *stream) {
    double sum = 0.0, squares = 0.0, count = 0.0;
    for (size_t i = 0; i < ASC_LEVELS; ++i) {
        sum += (double)stream->levels[i].sum;
        squares += (double)stream->levels[i].squares;
        count += (double)stream->levels[i].count;
    }
    /* -90 dB below a square wave of 2^15: a variance of 10^-9 * 2^30. */
    return squares * count - sum * sum < 1e-9 * 1073741824.0 * count * count;
}

asc_answer asc_stream_answer(asc_stream *stream, const float *probabilities) {
    asc_answer answer = {ASC_SILENCE, 0.0f};
    if (probabilities == NULL) {
        stream->smoothed = false;
        return answer;
    }
    for (int i = 0; i < ASC_CLASSES; ++i) {
        float *kept = &stream->probabilities[i];
        *kept = stream->smoothed ? (1.0f - ASC_SMOOTHING) * *kept + ASC_SMOOTHING * probabilities[i] : probabilities[i];
        if (*kept > answer.confidence) {
            answer.scene = i;
            answer.confidence = *kept;
        }
    }
    stream->smoothed = true;
    if (answer.confidence < ASC_UNCERTAIN_BELOW) answer.scene = ASC_UNCERTAIN;
    return answer;
}
