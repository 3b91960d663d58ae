"""The README of a folder of C."""

from asc_tf.micro.boards import board_verdicts
from asc_tf.micro.footprint import CODE_BYTES

_TEXT = """# {name} on a microcontroller

Scenes from int16 samples at {rate:,} Hz: {labels}.
Windows of {seconds:g} s, {bins} mel bins, {frames} frames; network {network}, {macs:,} MACs a window.
Written by `asc-tf export --target micro` (asc-tf {version}).

## Files

| file | what it is |
|---|---|
| `asc_model.c` | the network, a .tflite file of int8 features, as an aligned array |
| `asc_resolver.h` | a `MicroMutableOpResolver` of exactly its {operators} kinds of operators (C++) |
| `asc_network.cc` | the network in TensorFlow Lite for Microcontrollers |
| `asc_frontend.c`, `asc_log_mel_*.c`, `asc_tables.c` | log-mel features in C99, without a library or an allocation |
| `asc_stream.c` | windows, smoothing and silence as in `asc-tf listen` |
| `main.c` | example: a stream of samples in, scenes out |
| `selftest.c`, `asc_test_vector.c` | a recording with the features and probabilities that the code has to give |

## Build

    cmake -B build && cmake --build build && build/asc_selftest

tests the frontend. With `-DTFLM_INCLUDE=DIR -DTFLM_LIBRARY=FILE`, a build of TensorFlow Lite for Microcontrollers, the
network and the example are built too. `-DASC_FIXED_POINT=1` computes in integers, for chips without a floating point
unit. In ESP-IDF, Zephyr and Arduino add the `.c` and `.cc` files, except `selftest.c` and `asc_test_vector.c`, to a
component that has TensorFlow Lite for Microcontrollers. `main.c` shows the calls: on a board, `samples()` reads the
microphone's buffer. Smoothing is `-DASC_SMOOTHING=0.5f` (1 for none); {step}

## Memory

| RAM | bytes |
|---|---|
| frontend: samples of one window | {ring:,} |
| frontend: Fourier transform, in place | {spectrum:,} |
| frontend: one frame of features | {features:,} |
| frames of the window | {map} |
| arena of the network, {arena_source} | {arena:,} = {arena_maps:,} of feature maps + {arena_records:,} of records |
| **together** | **{ram:,}** |

| flash | bytes |
|---|---|
| network | {model:,} |
| tables of the frontend, floating point | {tables:,} |
| tables of the frontend, fixed point | {fixed_tables:,} |
| code of the frontend and the stream, at most | {code:,} |
| **network, tables in floating point, code** | **{flash:,}** |

Not in these sums: the interpreter with its kernels, the stack, and what else runs on the chip. The
arena is that of a 64-bit interpreter, whose records hold 64-bit pointers: a 32-bit chip needs less.
`asc_network_arena_bytes()` says how much; `-DASC_ARENA_BYTES=N` sets the size.

## Boards

Shares of the whole RAM and flash that the sums above take. No board was tried. A frame of the default frontend takes
0.5 million instructions in floating point and 1.3 million in fixed point, on a Cortex-M0+ 3.2 million: there it may not
keep pace with a hop of 30 ms.

| board | processor | arithmetic | RAM | flash | fits |
|---|---|---|---|---|---|
{boards}
"""


def readme(name, classifier, network, tables, footprint):
    """README.md of the folder for a file named `name`."""
    metadata, sizes, arena = classifier.metadata, tables.sizes, footprint.arena
    step = sizes["ASC_STEP_FRAMES"]
    return _TEXT.format(
        name=name,
        rate=metadata.sample_rate_hz,
        labels=", ".join(metadata.labels),
        seconds=metadata.samples / metadata.sample_rate_hz,
        bins=sizes["ASC_MEL_BINS"],
        frames=sizes["ASC_FRAMES"],
        network=metadata.network,
        macs=footprint.macs,
        version=metadata.version,
        operators=len(network.operators),
        step=(
            f"`-DASC_STEP_FRAMES={step}` is the step from window to window (0: one after the other)."
            if step
            else "windows follow each other; `-DASC_STEP_FRAMES=N` lets them overlap, a step of N frames."
        ),
        ring=footprint.ring,
        spectrum=footprint.spectrum,
        features=footprint.features,
        map=f"{footprint.map:,}" if footprint.map else "0: the network's input takes them",
        arena_source="measured by tflite-micro" if arena.measured else "estimated, not measured",
        arena=arena.bytes,
        arena_maps=arena.maps,
        arena_records=arena.records,
        ram=footprint.ram,
        model=footprint.model,
        tables=footprint.tables,
        fixed_tables=footprint.fixed_tables,
        code=CODE_BYTES,
        flash=footprint.flash,
        boards="\n".join(map(_row, board_verdicts(footprint.ram, footprint.flash))),
    )


def _row(verdict):
    board = verdict.board
    arithmetic = "floating point" if board.has_float else "fixed point"
    fits = "yes" if verdict.fits else "**no**"
    shares = f"{verdict.ram_percent:.0f} % | {verdict.flash_percent:.0f} %"
    return f"| {board.name} | {board.core} | {arithmetic} | {shares} | {fits} |"
