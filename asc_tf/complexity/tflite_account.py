"""The account of a .tflite file. Needs no TensorFlow."""

from pathlib import Path

from asc_tf.complexity.account import FRONTEND, NETWORK, Account, LayerAccount, Peak
from asc_tf.complexity.liveness import memory_at_steps
from asc_tf.complexity.parameters import Parameters
from asc_tf.complexity.tflite_frontend import network_operators
from asc_tf.complexity.tflite_graph import read_graph
from asc_tf.complexity.tflite_operations import BIAS, KERNEL, operator_operations
from asc_tf.errors import AscError
from asc_tf.runtime.metadata import read_metadata

VIEWS = {"RESHAPE", "SQUEEZE", "EXPAND_DIMS"}
_NUMBERS = ("float", "bfloat", "complex")


def tflite_account(path, seconds=None):
    """What a .tflite file stores and computes for one clip, operator by operator.

    The account reads the file itself, nothing is run. MACs agree with `complexity.keras_account` of the same network.
    What else differs, differs in the file:

    - The converter folds a batch normalization into the kernel before it and leaves a bias: of its four vectors one
      remains, and its multiplications are gone. (In the challenge's rules for 2021 a Keras model's four vectors all
      count.)
    - A sub-band normalization is a scale and an offset that are repeated for each frequency bin: more numbers than the
      layer has, its multiplications are the same. Where all bands are equal, as in an untrained network, it folds too.
    - Layers of several operators (ResNorm) hand features from one to the next, which take memory here and none there;
      an activation or an addition that is fused into its neighbour takes none here.
    - Numbers that are in the code of a Keras layer (epsilon, lambda) are stored constants here.

    Args:
        path: of the file. In one made by `asc-tf export` the frontend inside is counted as a part of its own.
        seconds: of sound in the input; None takes it from the file's metadata, where there is any.

    Returns:
        An `Account`. Parameters are never trainable, shapes are with the batch.

    Raises:
        AscError: the file is missing, is no .tflite file, or is damaged.
    """
    try:
        model_bytes = Path(path).read_bytes()
    except OSError as error:
        raise AscError(f"{path}: cannot be read ({error.strerror}); expected a .tflite file") from None
    if model_bytes[4:8] != b"TFL3":
        raise AscError(f"{path}: is not a .tflite file")
    try:
        return _account(path, model_bytes, seconds)
    except Exception as error:  # a damaged flatbuffer can fail in any way
        raise AscError(f"{path}: is a damaged .tflite file ({type(error).__name__}: {error})") from error


def _account(path, model_bytes, seconds):
    graph = read_graph(model_bytes)
    metadata = _metadata(model_bytes, path)
    if seconds is None and metadata is not None:
        seconds = metadata.samples / metadata.sample_rate_hz
    origins = _origins(graph)
    is_network = network_operators(graph, metadata)
    running = [
        (operator, NETWORK if network else FRONTEND)
        for operator, network in zip(graph.operators, is_network, strict=True)
        if operator.outputs[0].index not in origins
    ]
    seen = set()
    return Account(
        name=str(path),
        source="tflite",
        layers=tuple(_layer_account(operator, part, origins, seen) for operator, part in running),
        peaks=_peaks(running, graph, origins),
        seconds=seconds,
        file_bytes=len(model_bytes),
    )


def _metadata(model_bytes, path):
    try:
        return read_metadata(model_bytes, path)
    except AscError:
        return None  # somebody else's file


def _origins(graph):
    """{tensor: {tensor: stored tensor that it follows from}}, of the tensors that no input of the graph reaches."""
    origins = {}
    for operator in graph.operators:
        inputs = [tensor for tensor in operator.inputs if tensor is not None]
        for tensor in inputs:
            if tensor.buffer is not None:
                origins[tensor.index] = {tensor.index: tensor}
        if inputs and all(tensor.index in origins for tensor in inputs):
            stored = {}
            for tensor in inputs:
                stored.update(origins[tensor.index])
            origins.update({tensor.index: stored for tensor in operator.outputs})
    return origins


def _layer_account(operator, part, origins, seen):
    output = operator.outputs[0]
    counted = operator_operations(operator, lambda tensor: tensor.index in origins)
    return LayerAccount(
        name=output.name.split(";")[0] or f"{operator.name}_{output.index}",
        operation=operator.name,
        part=part,
        output_shape=output.shape,
        output_dtype=output.dtype,
        output_bytes=0 if operator.name in VIEWS else sum(tensor.bytes for tensor in operator.outputs),
        parameters=tuple(_parameters(operator, origins, seen)),
        **({"unaccounted": (operator.name,)} if counted is None else {"operations": counted}),
    )


def _parameters(operator, origins, seen):
    """`Parameters` that an operator uses and none before it did: stored numbers, but no shapes, axes and indices."""
    for position, tensor in enumerate(operator.inputs):
        for source in origins.get(tensor.index, {}).values() if tensor is not None else ():
            if source.buffer not in seen and (source.quantized or source.dtype.startswith(_NUMBERS)):
                seen.add(source.buffer)
                kind = "kernel" if position == KERNEL.get(operator.name) else "other"
                kind = "bias" if position == BIAS.get(operator.name) else kind
                yield Parameters(source.name, kind, source.dtype, source.count, source.nonzeros)


def _peaks(running, graph, origins):
    """{part: `Peak`} of the operators that run."""
    held, sizes, steps = {}, {}, []

    def place(tensor, same_as=None):
        owner = held.setdefault(tensor.index, tensor.index if same_as is None else held[same_as.index])
        sizes.setdefault(owner, tensor.bytes)
        return owner

    for operator, _ in running:
        inputs = [tensor for tensor in operator.inputs if tensor is not None and tensor.index not in origins]
        read = [place(tensor) for tensor in inputs]
        same_as = inputs[0] if inputs and operator.name in VIEWS else None
        steps.append((read, [place(tensor, same_as) for tensor in operator.outputs]))
    wanted = [held[tensor.index] for tensor in graph.outputs if tensor.index in held]
    peaks = {}
    for (operator, part), size in zip(running, memory_at_steps(steps, sizes, wanted), strict=True):
        if size > peaks.get(part, Peak()).bytes:
            peaks[part] = Peak(size, operator.outputs[0].name.split(";")[0])
    return peaks
