/* The network in TensorFlow Lite for Microcontrollers. */
#ifndef ASC_NETWORK_H
#define ASC_NETWORK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Prepare the network in its arena; false if the arena is too small or an operator is missing. Call it once. */
bool asc_network_begin(void);

/* The network's input [ASC_MEL_BINS][ASC_FRAMES]. It is overwritten while the network runs. */
int8_t *asc_network_input(void);

/* Run the network; false if it fails. */
bool asc_network_run(float *probabilities);

/* Bytes of the arena that are used. */
size_t asc_network_arena_bytes(void);

#ifdef __cplusplus
}
#endif

#endif
