/* Windows of a stream of samples, and answers to them as `asc-tf listen` gives them. C99; no allocation, no library.
 *
 *     asc_stream_reset(&stream, map);
 *     while (samples come)
 *         while (count) {
 *             size_t taken = asc_stream_push(&stream, samples, count);
 *             samples += taken, count -= taken;
 *             if (stream.ready) {
 *                 if (asc_stream_is_silent(&stream)) ...
 *                 asc_stream_copy(&stream, input of the network);
 *                 run the network;
 *                 asc_answer answer = asc_stream_answer(&stream, probabilities);
 *             }
 *         }
 *
 * ASC_STEP_FRAMES 0: windows follow each other, each by itself as a clip, with zeros beyond its ends, as in training.
 * The map may then be the network's input itself, which needs no copy.
 * ASC_STEP_FRAMES n: a window of the last ASC_FRAMES frames every n frames; a frame is computed once for all windows. */
#ifndef ASC_STREAM_H
#define ASC_STREAM_H

#include "asc_frontend.h"

#ifdef __cplusplus
extern "C" {
#endif

#ifndef ASC_SMOOTHING
#define ASC_SMOOTHING 0.5f /* share of the new window in the answer; 1 does not smooth */
#endif

#if ASC_STEP_FRAMES
#define ASC_LEVELS ((ASC_FRAMES + ASC_STEP_FRAMES - 1) / ASC_STEP_FRAMES)
#else
#define ASC_LEVELS 1
#endif

enum { ASC_SILENCE = -1, ASC_UNCERTAIN = -2 };

typedef struct {
    int scene;        /* number in asc_labels, ASC_SILENCE or ASC_UNCERTAIN */
    float confidence; /* smoothed probability of the most likely scene; 0 for silence */
} asc_answer;

/* Sums over samples, for the level of a window. */
typedef struct {
    uint64_t squares;
    int64_t sum;
    uint32_t count;
} asc_level;

typedef struct {
    asc_frontend frontend;
    int8_t *map;     /* [ASC_MEL_BINS][ASC_FRAMES], a ring of frames */
    uint32_t frames; /* of the map that hold a frame */
    uint32_t place;  /* in the map, of the next frame */
    uint32_t due;    /* frames until the next window */
    asc_level levels[ASC_LEVELS];
    uint32_t level;  /* number of the sums that samples now add to */
    bool turn;       /* the next sample adds to the next sums */
    bool ready;      /* a window is complete */
    bool smoothed;   /* `probabilities` holds the last window's */
    float probabilities[ASC_CLASSES];
} asc_stream;

/* Begin; `map` has room for ASC_MEL_BINS * ASC_FRAMES numbers. */
void asc_stream_reset(asc_stream *stream, int8_t *map);

/* Take up to `count` samples, as far as the next window; returns how many were taken and sets `ready`. */
size_t asc_stream_push(asc_stream *stream, const int16_t *samples, size_t count);

/* The features of the window, oldest frame first, into the network's input [ASC_MEL_BINS][ASC_FRAMES]. */
void asc_stream_copy(const asc_stream *stream, int8_t *input);

/* Whether the window's level, without its mean, is below -90 dBFS: such a window needs no network. */
bool asc_stream_is_silent(const asc_stream *stream);

/* The answer to a window, from the network's probabilities; NULL for a silent one, which restarts the smoothing. */
asc_answer asc_stream_answer(asc_stream *stream, const float *probabilities);

#ifdef __cplusplus
}
#endif

#endif
