/* Start of a program on QEMU's mps2 boards (Cortex-M4: an386, Cortex-M7: an500), with a counter of instructions.
 *
 * With `-icount shift=0` an instruction takes 1 ns of the board's time; SysTick counts at 25 MHz, every 40th. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "asc_frontend.h"
#include "asc_test_vector.h"

#define TICK_INSTRUCTIONS 40

extern uint32_t _stack, _bss_start, _bss_end;
extern void initialise_monitor_handles(void);

static volatile uint32_t *const access_control = (uint32_t *)0xE000ED88;
static volatile uint32_t *const systick = (uint32_t *)0xE000E010; /* control, reload, value */

static asc_frontend frontend;

static uint32_t ticks_of_a_frame(void) {
    bool ready = false;
    asc_frontend_reset(&frontend);
    size_t done = 0;
    for (int frame = 0; frame < 5;) {
        done += asc_frontend_push(&frontend, asc_test_samples + done, ASC_SAMPLES - done, &ready);
        frame += ready;
    }
    systick[0] = 0;
    systick[1] = 0xFFFFFF;
    systick[2] = 0;
    systick[0] = 5; /* on, processor's clock */
    for (ready = false; !ready;) {
        done += asc_frontend_push(&frontend, asc_test_samples + done, ASC_SAMPLES - done, &ready);
    }
    return 0xFFFFFF - systick[2];
}

static int largest_step(void) {
    int largest = 0;
    for (size_t band = 0; band < ASC_MEL_BINS; ++band) {
        int step = abs(asc_quantized(frontend.features[band]) - asc_test_features[band * ASC_FRAMES + 5]);
        if (step > largest) largest = step;
    }
    return largest;
}

/* Newlib calls them at the end of the program. */
void _init(void) {}
void _fini(void) {}

void start(void) {
    *access_control |= 0xFu << 20; /* floating point unit */
    for (uint32_t *word = &_bss_start; word < &_bss_end; ++word) *word = 0;
    initialise_monitor_handles();
    uint32_t ticks = ticks_of_a_frame();
    printf("%lu instructions, %d step(s)\n", (unsigned long)(ticks * TICK_INSTRUCTIONS), largest_step());
    exit(0);
}

__attribute__((section(".vectors"), used)) static const void *const vectors[] = {&_stack, start};
