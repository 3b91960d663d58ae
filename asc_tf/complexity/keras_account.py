"""The account of a Keras model."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from asc_tf.complexity.account import FRONTEND, NETWORK, Account, LayerAccount, Operations, Peak
from asc_tf.complexity.effective_parameters import parameters_of
from asc_tf.complexity.keras_operations import operations_of
from asc_tf.complexity.keras_trace import storage, trace
from asc_tf.complexity.liveness import memory_at_steps
from asc_tf.complexity.receptive_field import receptive_fields

if TYPE_CHECKING:
    import tf_keras as keras


def trainable_parameters(model: keras.Model) -> int:
    """Number of a model's parameters that training changes, without the account of its layers."""
    return sum(weight.shape.num_elements() for weight in model.trainable_weights)


def keras_account(model: keras.Model, seconds: float | None = None, length: int | None = None) -> Account:
    """Account of a Keras model for one clip at inference, layer by layer: storage and computation.

    MACs and multiplications are read from the TensorFlow operations that each layer makes in a symbolic run, so a new
    layer is counted without being listed anywhere. A layer whose operations say too little (a loop, say) may define a
    method `count_operations(input_shape, output_shape)`, shapes without the batch, that returns {"macs": ...,
    "multiplications": ..., "functions": ...}; without it, the account names the layer's unknown operations and no sum
    includes them.

    Features are counted at the layers' outputs, for a batch of one: each output takes its own memory, except outputs
    that are the input itself (dropout at inference, reshaping). Memory used inside a layer does not count.

    Args:
        model: functional or sequential `keras.Model` with static shapes, plain, pruned or wrapped by TF Model
            Optimization. Layers of `asc_tf.frontend`, and all layers before them, form the part FRONTEND.
        seconds: of sound in the input.
        length: length of the input's open axes (except the batch): frames, or samples.

    Returns:
        An `Account`.

    Raises:
        AscError: the model has no graph of layers, an axis of its input is of unknown length, or a length was given
            though no axis is open.

    Examples:
        >>> import asc_tf
        >>> network = asc_tf.bc_resnet_asc((32, 34, 1), width=4, depth=(1, 1, 1, 1))
        >>> f"{asc_tf.keras_account(network).operations().macs:,} MACs"
        '75,348 MACs'
    """
    traced = trace(model, length)
    parts = _parts(traced.calls)
    counted = operations_of(traced.calls, traced.inputs)
    layers, seen = [], set()
    for call, part, (operations, unknown) in zip(traced.calls, parts, counted, strict=True):
        operations, unknown = _stated(call) or (operations, unknown)
        layers.append(_layer_account(call, part, operations, unknown, seen))
    return Account(
        name=model.name,
        source="keras",
        layers=tuple(layers),
        peaks=_peaks(traced, parts),
        seconds=seconds,
        receptive_field=receptive_fields(list(zip(traced.calls, parts, strict=True))),
    )


def _layer_account(call, part, operations, unknown, seen):
    known = [*call.inputs]
    written = 0
    for output in call.outputs:
        if storage(output, known) is None:
            written += _bytes(output)
        known.append(output)
    return LayerAccount(
        name=call.name,
        operation=type(call.layer).__name__,
        part=part,
        output_shape=tuple(call.outputs[0].shape[1:]),
        output_dtype=call.outputs[0].dtype.name,
        output_bytes=written,
        parameters=tuple(parameters_of(call.layer, seen)),
        operations=operations,
        unaccounted=unknown,
    )


def _stated(call):
    """(`Operations`, ()) that a layer states of itself; None if it states none."""
    state = getattr(call.layer, "count_operations", None)
    if state is None:
        return None
    return Operations(**state(tuple(call.inputs[0].shape[1:]), tuple(call.outputs[0].shape[1:]))), ()


def _parts(calls):
    """FRONTEND for the layers of `asc_tf.frontend` and the layers that feed them, NETWORK for the rest."""
    parts, wanted = [], set()
    for call in reversed(calls):
        is_frontend = type(call.layer).__module__.startswith("asc_tf.frontend")
        if is_frontend or any(id(tensor) in wanted for tensor in call.outputs):
            wanted.update(map(id, call.inputs))
            parts.append(FRONTEND)
        else:
            parts.append(NETWORK)
    return parts[::-1]


def _peaks(traced, parts):
    """{part: `Peak`} of a trace."""
    held = {id(tensor): id(tensor) for tensor in traced.inputs}
    sizes = {id(tensor): _bytes(tensor) for tensor in traced.inputs}
    steps = []
    for call in traced.calls:
        known = [*call.inputs]
        for output in call.outputs:
            owner = storage(output, known)
            held.setdefault(id(output), id(output) if owner is None else held[id(owner)])
            sizes.setdefault(held[id(output)], _bytes(output))
            known.append(output)
        steps.append(([held[id(tensor)] for tensor in call.inputs], [held[id(tensor)] for tensor in call.outputs]))
    alive = memory_at_steps(steps, sizes, [held[id(tensor)] for tensor in traced.outputs])
    peaks = {}
    for call, part, size in zip(traced.calls, parts, alive, strict=True):
        if size > peaks.get(part, Peak()).bytes:
            peaks[part] = Peak(size, call.name)
    return peaks


def _bytes(tensor):
    """Bytes of a symbolic tensor; one of unknown shape is of unknown size, and counts nothing."""
    return math.prod(tensor.shape) * tensor.dtype.size if tensor.shape.is_fully_defined() else 0
