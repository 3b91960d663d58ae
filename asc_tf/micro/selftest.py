"""The test vector: samples, features and probabilities that the C code has to give."""

import numpy as np

from asc_tf.micro.c_text import array, declaration
from asc_tf.runtime.classifier import to_quantized
from asc_tf.runtime.frontend import frontend_of


def made_sound(samples):
    """int16 samples of a rising tone over noise, which moves every mel bin."""
    time = np.arange(samples) / samples
    tone = 0.3 * np.sin(np.pi * 0.45 * samples * time**2)
    noise = 0.01 * np.random.default_rng(0).standard_normal(samples)
    return np.rint(32767 * (tone + noise)).astype(np.int16)


def as_int16(waveform):
    """int16 samples of a waveform in ±1."""
    return np.clip(np.rint(waveform * 32768), -32768, 32767).astype(np.int16)


def features_of(classifier, source):
    """Function from a waveform [samples] to int8 features [frequency, time, 1], as the classifier gives its network.

    Args:
        classifier: `Classifier` of a file of int8 features.
        source: names the file in errors.
    """
    frontend, quantization = frontend_of(classifier.metadata, source), classifier.metadata.quantization
    end = {"dtype": np.int8, "quantization": (quantization["scale"], quantization["zero_point"])}
    return lambda waveform: to_quantized(frontend(waveform), end)


def vector_of(classifier, source, samples):
    """{name: array} that selftest.c compares with, for one window.

    Args:
        classifier, source: of `features_of`.
        samples: int16 [samples].
    """
    waveform = samples.astype(np.float32) / 32768
    return {
        "asc_test_samples": samples,
        "asc_test_features": features_of(classifier, source)(waveform)[..., 0],
        "asc_test_probabilities": classifier.window_probabilities(waveform),
    }


def header(vector):
    """asc_test_vector.h."""
    declared = "".join(declaration(name, values) for name, values in vector.items())
    return (
        "/* What the training frontend and the runtime give for one recording. */\n"
        f"#ifndef ASC_TEST_VECTOR_H\n#define ASC_TEST_VECTOR_H\n\n#include <stdint.h>\n\n{declared}\n#endif\n"
    )


def source(vector):
    """asc_test_vector.c."""
    return '#include "asc_test_vector.h"\n\n' + "\n".join(array(name, values) for name, values in vector.items())
