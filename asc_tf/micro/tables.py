"""The tables of the C frontend: window, sine, mel bands, logarithm."""

from dataclasses import dataclass

import numpy as np

from asc_tf.errors import AscError
from asc_tf.frontend.mel import frame_lengths, mel_filterbank
from asc_tf.micro.c_text import array, c_type, declaration, literal, string

_LOG_BITS = 7
_SUM_BITS = 24  # of a band's weights: the sum of weight * power must fit into 64 bits
FRONTENDS = ("LogMel",)


@dataclass(frozen=True)
class Tables:
    """Arrays by name, for floating point and for fixed point, and the sizes that the C code knows as macros.

    Args:
        shared, floating, fixed: {name: array}; the two last have the same names, and others for the logarithm.
        sizes: {macro: text}.
        labels: names of the scenes.
    """

    shared: dict
    floating: dict
    fixed: dict
    sizes: dict
    labels: tuple

    def bytes(self, fixed_point):
        """Flash that the tables take, without the labels."""
        chosen = self.fixed if fixed_point else self.floating
        return sum(values.nbytes for values in (*self.shared.values(), *chosen.values()))


def tables_of(metadata, source):
    """`Tables` for the frontend of a file's `Metadata`; `source` names the file in errors.

    Raises:
        AscError: the frontend has no C twin, or the file takes no int8 features.
    """
    if metadata.input != "features" or not metadata.quantization:
        raise AscError(
            f"{source}: takes {metadata.input} in {metadata.format}; expected a file of int8 features "
            "(asc-tf export RUN --format int8 --input features)"
        )
    settings = dict(metadata.frontend)
    name = settings.pop("class")
    if name not in FRONTENDS:
        raise AscError(f"{source}: has the frontend {name}; expected one that is written in C: {', '.join(FRONTENDS)}")
    floor = settings.pop("floor")
    lengths = frame_lengths(settings["sample_rate_hz"], settings.pop("window_ms"), settings.pop("hop_ms"))
    filterbank = mel_filterbank(settings["sample_rate_hz"], lengths[2], *_filters(settings))
    shared, weights = _bands(filterbank)
    exponent = _weight_exponent(filterbank)
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(lengths[0] // 2 + 1) / lengths[0])
    sine = np.sin(2 * np.pi * np.arange(lengths[2] // 4 + 1) / lengths[2])
    return Tables(
        shared,
        {
            "asc_window": (window / 32768).astype(np.float32),
            "asc_sine": sine.astype(np.float32),
            "asc_mel_weights": weights,
            **_float_logarithm(),
        },
        {
            "asc_window": np.rint(window * (2**31 - 1)).astype(np.int32),
            "asc_sine": np.rint(sine * (2**31 - 1)).astype(np.int32),
            "asc_mel_weights": np.rint(weights * 2.0**-exponent).astype(np.uint16),
            "asc_log2": np.rint(65536 * np.log2(1 + np.arange(2**_LOG_BITS + 1) / 2**_LOG_BITS)).astype(np.uint32),
        },
        _sizes(metadata, lengths, floor, exponent),
        tuple(metadata.labels),
    )


def _filters(settings):
    return settings["mel_bins"], settings["low_hz"], settings["high_hz"]


def _bands(filterbank):
    """({"asc_mel_first", "asc_mel_end"}, weights of all bands one after the other)."""
    used = [np.flatnonzero(weights) for weights in filterbank.T]
    first = np.array([places[0] for places in used], np.uint16)
    end = np.array([places[-1] + 1 for places in used], np.uint16)
    weights = [filterbank[low:high, band] for band, (low, high) in enumerate(zip(first, end, strict=True))]
    return {"asc_mel_first": first, "asc_mel_end": end}, np.concatenate(weights)


def _weight_exponent(filterbank):
    """The least e for which all weights * 2^-e fit into 16 bits, and a band's sum of them into _SUM_BITS."""
    largest = max(filterbank.max() / (2**16 - 1), filterbank.sum(axis=0).max() / 2.0**_SUM_BITS)
    return int(np.ceil(np.log2(largest)))


def _float_logarithm():
    """ln(c) and 1 / c for the middle c of each part of the mantissas from 1 to 2."""
    middles = 1 + (np.arange(2**_LOG_BITS) + 0.5) / 2**_LOG_BITS
    return {"asc_log": np.log(middles).astype(np.float32), "asc_log_inverse": (1 / middles).astype(np.float32)}


def _sizes(metadata, lengths, floor, exponent):
    bins, frames = metadata.features
    window, hop, fft = lengths
    scale, zero_point = metadata.quantization["scale"], metadata.quantization["zero_point"]
    seconds = metadata.samples / metadata.sample_rate_hz
    return {
        "ASC_SAMPLE_RATE_HZ": metadata.sample_rate_hz,
        "ASC_SAMPLES": metadata.samples,
        "ASC_WINDOW": window,
        "ASC_HOP": hop,
        "ASC_FFT": fft,
        "ASC_MEL_BINS": bins,
        "ASC_FRAMES": frames,
        "ASC_CLASSES": len(metadata.labels),
        "ASC_UNCERTAIN_BELOW": literal(metadata.uncertain_below or 0),
        "ASC_FEATURE_SCALE": literal(scale),
        "ASC_FEATURE_ZERO_POINT": f"({zero_point})",
        "ASC_STEPS_PER_ONE": round(65536 / scale),
        "ASC_FLOOR": literal(floor),
        "ASC_FLOOR_LOG2": f"({round(65536 * float(np.log2(floor)))})",
        "ASC_WEIGHT_EXPONENT": f"({exponent})",
        "ASC_LOG_BITS": _LOG_BITS,
        "ASC_STEP_FRAMES": 0 if seconds <= 1 else max(1, round(metadata.sample_rate_hz / hop)),
    }


def header(tables):
    """asc_tables.h."""
    macros = "".join(f"#define {name} {value}\n" for name, value in tables.sizes.items() if name != "ASC_STEP_FRAMES")
    step = tables.sizes["ASC_STEP_FRAMES"]
    return (
        "/* Sizes and tables of one network. Generated by asc-tf export --target micro. */\n"
        "#ifndef ASC_TABLES_H\n#define ASC_TABLES_H\n\n#include <stdint.h>\n\n"
        "#ifndef ASC_FIXED_POINT\n#define ASC_FIXED_POINT 0 /* 1: integers only */\n#endif\n\n"
        f"{macros}"
        f"#ifndef ASC_STEP_FRAMES\n#define ASC_STEP_FRAMES {step} /* from window to window; 0: one after the other */\n"
        "#endif\n\n"
        '#ifdef __cplusplus\nextern "C" {\n#endif\n\n'
        "extern const char *const asc_labels[ASC_CLASSES];\n"
        f"{_each(declaration, tables.shared)}"
        f"#if ASC_FIXED_POINT\n{_weight_type(tables.fixed)}{_each(declaration, tables.fixed)}"
        f"#else\n{_weight_type(tables.floating)}{_each(declaration, tables.floating)}#endif\n\n"
        "#ifdef __cplusplus\n}\n#endif\n\n#endif\n"
    )


def source(tables):
    """asc_tables.c."""
    labels = ",\n".join(f"    {string(label)}" for label in tables.labels)
    return (
        '#include "asc_tables.h"\n\n'
        f"const char *const asc_labels[ASC_CLASSES] = {{\n{labels},\n}};\n\n"
        f"{_each(array, tables.shared)}\n#if ASC_FIXED_POINT\n\n{_each(array, tables.fixed)}\n"
        f"#else\n\n{_each(array, tables.floating)}\n#endif\n"
    )


def _weight_type(arrays):
    return f"typedef {c_type(arrays['asc_mel_weights'].dtype)} asc_weight;\n"


def _each(written, arrays):
    return "".join(written(name, values) for name, values in arrays.items())
