/* Example: the scenes of a stream of int16 samples at ASC_SAMPLE_RATE_HZ, here from standard input:
 *
 *     sox recording.wav -t raw -r RATE -c 1 -b 16 -e signed - | ./asc_example
 *
 * On a board, samples() reads the microphone's buffer. */
#include <stdio.h>

#include "asc_network.h"
#include "asc_stream.h"

#define PIECE 256

static size_t samples(int16_t *to) { return fread(to, sizeof *to, PIECE, stdin); }

static void report(asc_answer answer) {
    if (answer.scene == ASC_SILENCE) {
        printf("silence\n");
    } else {
        const char *scene = answer.scene == ASC_UNCERTAIN ? "uncertain" : asc_labels[answer.scene];
        printf("%s %d %%\n", scene, (int)(100.0f * answer.confidence + 0.5f));
    }
    fflush(stdout);
}

/* The network's answer to the window that is ready; false if the network fails. */
static bool hear(asc_stream *stream) {
    float probabilities[ASC_CLASSES];
    if (asc_stream_is_silent(stream)) {
        report(asc_stream_answer(stream, NULL));
        return true;
    }
#if ASC_STEP_FRAMES
    asc_stream_copy(stream, asc_network_input());
#endif
    if (!asc_network_run(probabilities)) return false;
    report(asc_stream_answer(stream, probabilities));
    return true;
}

int main(void) {
    static asc_stream stream;
    static int16_t piece[PIECE];
    if (!asc_network_begin()) return 1;
#if ASC_STEP_FRAMES
    static int8_t map[ASC_MEL_BINS * ASC_FRAMES];
    asc_stream_reset(&stream, map);
#else
    asc_stream_reset(&stream, asc_network_input());
#endif
    for (size_t count; (count = samples(piece)) > 0;) {
        for (size_t done = 0; done < count;) {
            done += asc_stream_push(&stream, piece + done, count - done);
            if (stream.ready && !hear(&stream)) return 1;
        }
    }
    return 0;
}
