"""Weights in half precision."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from asc_tf.layers.contract import kernel_attribute

if TYPE_CHECKING:
    import tf_keras as keras


def round_to_half(model: keras.Model, kernels: bool = False) -> None:
    """Round the weights of a plain model, in place, to values of 16-bit floating point.

    Args:
        model: functional model. Its precision of computation does not change.
        kernels: round the kernels of convolutions too, if they are not of 8 bits.

    Raises:
        ValueError: a weight exceeds 65,504, the limit of half precision; then no weight is changed.
    """
    rounded = []
    for layer in model.layers:
        kernel = getattr(layer, kernel_attribute(layer) or "", None)
        for weight in layer.weights:
            if weight is kernel and not kernels:
                continue
            with np.errstate(over="ignore"):
                values = weight.numpy().astype(np.float16)
            if not np.isfinite(values).all():
                raise ValueError(f"{weight.name} reaches {np.abs(weight).max():g}; half precision ends at 65504")
            rounded.append((weight, values))
    for weight, values in rounded:
        weight.assign(values.astype(weight.dtype.as_numpy_dtype))
