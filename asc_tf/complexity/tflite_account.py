"""The account of a .tflite file. Needs no TensorFlow."""

import os
from pathlib import Path

from asc_tf.complexity.account import FRONTEND, NETWORK, Account, LayerAccount, Operations
from asc_tf.complexity.parameters import Parameters
from asc_tf.complexity.tflite_calls import INITIALLY, UNCALLED, steps_of
from asc_tf.complexity.tflite_frontend import network_operators
from asc_tf.complexity.tflite_graph import read_graphs
from asc_tf.complexity.tflite_lengths import batch_of, graphs_with_lengths
from asc_tf.complexity.tflite_operations import BIASES, KERNELS, NUMBERS, operator_operations
from asc_tf.complexity.tflite_peaks import VIEWS, name_of, peaks_of
from asc_tf.errors import AscError, unreadable
from asc_tf.runtime.metadata import read_metadata

_STATES = {"WHILE", "ASSIGN_VARIABLE"}  # their inputs begin a state


def tflite_account(path: str | os.PathLike, seconds: float | None = None, length: int | None = None) -> Account:
    """Account of a .tflite file for one clip, operator by operator: storage and computation.

    The account reads the file itself and runs nothing. MACs agree with `complexity.keras_account` of the same network.
    Other numbers differ where the file differs:

    - The converter folds a batch normalization into the kernel before it and leaves a bias: of its four vectors one
      remains, and its multiplications vanish. (By the challenge's rules for 2021 all four vectors of a Keras model
      count.)
    - A sub-band normalization is a scale and an offset repeated for each frequency bin: more numbers than in the layer,
      but the same multiplications. If all bands are equal, as in an untrained network, it is folded too.
    - Layers of several operators (ResNorm) pass features between the operators; these take memory here and not in
      Keras. An activation or addition fused into its neighbour takes no memory here.
    - Numbers in the code of a Keras layer (epsilon, lambda) are stored constants here.

    All graphs of the file count, a loop's as often as it runs. Initial values of states (of loops or variables) are no
    parameters. A batch of several clips is divided among them. If a length or a number of runs is unknown, no sum
    includes the numbers that depend on it; `Account.unaccounted` lists them.

    Args:
        path: of the file. The frontend inside a file made by `asc-tf export` is counted as a separate part.
        seconds: of sound in the input; None takes it from the file's metadata, if there are any.
        length: length of the input's axes that the file leaves open (except the batch): frames, or samples.

    Returns:
        An `Account`. Parameters are never trainable; shapes include the batch.

    Raises:
        AscError: the file is missing, no .tflite file, or damaged; or a length was given though no axis is open.
    """
    try:
        model_bytes = Path(path).read_bytes()
    except OSError as error:
        raise unreadable(path, error, "a .tflite file") from None
    if model_bytes[4:8] != b"TFL3":
        raise AscError(f"{path}: is not a .tflite file")
    try:
        return _account(path, model_bytes, seconds, length)
    except AscError:
        raise
    except Exception as error:  # a damaged flatbuffer can fail in any way
        raise AscError(f"{path}: is a damaged .tflite file ({type(error).__name__}: {error})") from error


def _account(path, model_bytes, seconds, length):
    metadata = _metadata(model_bytes, path)
    if seconds is None and metadata is not None:
        seconds = metadata.samples / metadata.sample_rate_hz
    graphs, remarks = graphs_with_lengths(model_bytes, read_graphs(model_bytes), length, path)
    clips = batch_of(graphs[0]) or 1
    if clips > 1:
        remarks = [*remarks, f"the input is a batch of {clips} clips: all numbers but the shapes are those of one"]
    steps, uncalled, whole = steps_of(graphs, _cost)
    if uncalled:
        remarks = [*remarks, "whether a clip needs the graphs that the first one does not call is not known"]
    if any(step.operator.name == "IF" for step in steps):
        remarks = [*remarks, "of the two branches of an IF the one with more MACs counts"]
    origins = _origins([*steps, *uncalled])
    parts = [NETWORK if network else FRONTEND for network in network_operators(whole, metadata)]
    parts += [NETWORK] * len(uncalled)
    running = [
        (step, part)
        for step, part in zip([*steps, *uncalled], parts, strict=True)
        if step.when != INITIALLY and not _is_constant(step.operator, origins)
    ]
    seen = set()
    layers = [_layer_account(step, part, origins, seen, clips) for step, part in running if step.operator.outputs]
    return Account(
        name=str(path),
        source="tflite",
        layers=tuple(layers),
        peaks=peaks_of([each for each in running if each[0].when != UNCALLED], whole, origins, clips),
        seconds=seconds,
        file_bytes=len(model_bytes),
        remarks=tuple(remarks),
    )


def _metadata(model_bytes, path):
    try:
        return read_metadata(model_bytes, path)
    except AscError:
        return None  # not a file of ours


def _origins(steps):
    """{tensor: {tensor: stored tensor that it follows from}} for the tensors that depend on no input of the graph."""
    changing = {
        tensor.index
        for step in steps
        if step.operator.name in _STATES and step.when != INITIALLY
        for tensor in step.operator.outputs
    }
    origins = {}
    for step in steps:
        inputs = [tensor for tensor in step.operator.inputs if tensor is not None]
        for tensor in inputs:
            if tensor.buffer is not None:
                origins[tensor.index] = {tensor.index: tensor}
        if inputs and all(tensor.index in origins for tensor in inputs):
            stored = {}
            for tensor in inputs:
                stored.update(origins[tensor.index])
            outputs = (tensor.index for tensor in step.operator.outputs)
            origins.update({index: stored for index in outputs if index not in changing})
    return origins


def _is_constant(operator, origins):
    return bool(operator.outputs) and operator.outputs[0].index in origins


def _cost(steps):
    """(Whether everything is known, MACs) of a branch; unknown parts may add more."""
    origins = _origins(steps)
    counted = [_counted(step, origins) for step in steps if not _is_constant(step.operator, origins)]
    return any(unknown for _, unknown in counted), sum(operations.macs for operations, _ in counted)


def _counted(step, origins):
    """(`Operations` of all runs of a step, its unknown parts)."""
    operator = step.operator
    if not operator.outputs:
        return Operations(), ()
    try:
        counted = operator_operations(operator, lambda tensor: tensor.index in origins)
    except TypeError:
        return Operations(), (f"{operator.name} of unknown size",)
    if counted is None:
        return Operations(), (operator.name,)
    if step.times is None and counted != Operations():
        return Operations(), (f"{operator.name} repeated an unknown number of times",)
    return counted.scaled(step.times or 0), ()


def _layer_account(step, part, origins, seen, clips):
    operator = step.operator
    operations, unknown = _counted(step, origins)
    sizes = [tensor.bytes for tensor in operator.outputs]
    size = 0 if operator.name in VIEWS else None if None in sizes else -(-sum(sizes) // clips)
    output = operator.outputs[0]
    return LayerAccount(
        name=name_of(operator),
        operation=operator.name,
        part=part,
        output_shape=output.shape,
        output_dtype=output.dtype,
        output_bytes=size,
        parameters=tuple(_parameters(operator, origins, seen)),
        operations=operations.scaled(1, clips),
        unaccounted=unknown,
        times=step.times,
    )


def _parameters(operator, origins, seen):
    """`Parameters` that an operator is the first to use: stored numbers, without shapes, axes and indices."""
    if operator.name in _STATES:
        return
    for position, tensor in enumerate(operator.inputs):
        for source in origins.get(tensor.index, {}).values() if tensor is not None else ():
            if source.buffer not in seen and (source.quantized or source.dtype.startswith(NUMBERS)):
                seen.add(source.buffer)
                kind = "kernel" if position in KERNELS.get(operator.name, ()) else "other"
                kind = "bias" if position in BIASES.get(operator.name, ()) else kind
                yield Parameters(source.name, kind, source.dtype, source.count, source.nonzeros)
