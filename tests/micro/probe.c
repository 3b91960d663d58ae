/* What tests ask of the C frontend, on standard input and output:
 *   probe frames N    int16 samples -> features of each frame of one recording, as asc_number
 *   probe windows N   int16 samples -> for each window one byte, 1 if silent, and its int8 features
 *   probe answers N   floats, ASC_CLASSES a window, negative for silence -> scene (int32) and confidence (float) each
 * Samples are pushed in pieces of 1 to N samples. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "asc_stream.h"

static asc_stream stream;
static int8_t map[ASC_MEL_BINS * ASC_FRAMES], ordered[ASC_MEL_BINS * ASC_FRAMES];
static int16_t piece[1 << 16];

static size_t next_piece(size_t longest) {
    static uint32_t state = 1;
    state = state * 1664525u + 1013904223u;
    return fread(piece, sizeof *piece, 1 + (state >> 16) % longest, stdin);
}

static void frames(size_t longest) {
    asc_frontend *frontend = &stream.frontend;
    size_t written = 0;
    bool ready;
    asc_frontend_reset(frontend);
    for (size_t count; (count = next_piece(longest)) > 0;) {
        for (size_t done = 0; done < count;) {
            done += asc_frontend_push(frontend, piece + done, count - done, &ready);
            if (ready) written += fwrite(frontend->features, sizeof frontend->features, 1, stdout);
        }
    }
    while (written < ASC_FRAMES) {
        asc_frontend_pad(frontend);
        written += fwrite(frontend->features, sizeof frontend->features, 1, stdout);
    }
}

static void windows(size_t longest) {
    asc_stream_reset(&stream, map);
    for (size_t count; (count = next_piece(longest)) > 0;) {
        for (size_t done = 0; done < count;) {
            done += asc_stream_push(&stream, piece + done, count - done);
            if (!stream.ready) continue;
            putchar(asc_stream_is_silent(&stream));
            asc_stream_copy(&stream, ordered);
            fwrite(ordered, sizeof ordered, 1, stdout);
        }
    }
}

static void answers(void) {
    float probabilities[ASC_CLASSES];
    asc_stream_reset(&stream, map);
    while (fread(probabilities, sizeof probabilities, 1, stdin)) {
        asc_answer answer = asc_stream_answer(&stream, probabilities[0] < 0.0f ? NULL : probabilities);
        int32_t scene = answer.scene;
        fwrite(&scene, sizeof scene, 1, stdout);
        fwrite(&answer.confidence, sizeof answer.confidence, 1, stdout);
    }
}

int main(int argc, char **argv) {
    size_t longest = argc > 2 ? strtoul(argv[2], NULL, 10) : 1;
    if (argc < 2 || longest < 1 || longest > sizeof piece / sizeof *piece) return 2;
    if (!strcmp(argv[1], "frames")) frames(longest);
    if (!strcmp(argv[1], "windows")) windows(longest);
    if (!strcmp(argv[1], "answers")) answers();
    return 0;
}
