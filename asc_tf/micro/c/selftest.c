/* Compare the features with those of the training frontend, on the recording of asc_test_vector.c. Returns 0 if they
 * agree within one step of 8 bits. With ASC_WITH_NETWORK the probabilities too. */
#include <stdio.h>
#include <stdlib.h>

#include "asc_stream.h"
#include "asc_test_vector.h"
#ifdef ASC_WITH_NETWORK
#include "asc_network.h"
#endif

static asc_stream stream;
static int8_t map[ASC_MEL_BINS * ASC_FRAMES];

static int largest_step(void) {
    int largest = 0;
    for (size_t i = 0; i < sizeof map; ++i) {
        int step = abs(map[i] - asc_test_features[i]);
        if (step > largest) largest = step;
    }
    return largest;
}

#ifdef ASC_WITH_NETWORK
static float largest_difference(void) {
    float probabilities[ASC_CLASSES], largest = 0.0f;
    if (!asc_network_begin()) return 1.0f;
    for (size_t i = 0; i < sizeof map; ++i) asc_network_input()[i] = map[i];
    if (!asc_network_run(probabilities)) return 1.0f;
    for (int i = 0; i < ASC_CLASSES; ++i) {
        float difference = probabilities[i] - asc_test_probabilities[i];
        if (difference < 0.0f) difference = -difference;
        if (difference > largest) largest = difference;
    }
    printf("arena: %lu bytes\n", (unsigned long)asc_network_arena_bytes());
    return largest;
}
#endif

int main(void) {
    asc_stream_reset(&stream, map);
    for (size_t done = 0; done < ASC_SAMPLES;) {
        done += asc_stream_push(&stream, asc_test_samples + done, ASC_SAMPLES - done);
    }
#if ASC_STEP_FRAMES
    /* A window of a stream goes on into the next samples; the recording has none. */
    while (stream.due) {
        static const int16_t silence[1] = {0};
        asc_stream_push(&stream, silence, 1);
    }
#endif
    int step = largest_step();
    printf("features: at most %d step(s) of 8 bits from the training frontend's\n", step);
    if (step > 1) return 1;
#ifdef ASC_WITH_NETWORK
    float difference = largest_difference();
    printf("probabilities: at most %d/1000 from the runtime's\n", (int)(1000.0f * difference + 0.5f));
    if (difference > 0.05f) return 1;
#endif
    return 0;
}
