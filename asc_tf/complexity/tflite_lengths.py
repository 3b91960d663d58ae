"""Lengths that a .tflite file leaves open: which axis is the batch, and the sizes that follow. Needs no TensorFlow."""

import itertools

from asc_tf.complexity.tflite_graph import read_graphs
from asc_tf.errors import AscError
from asc_tf.runtime.isolated_run import shapes_by_trial


def batch_of(graph):
    """Number of clips that a graph takes at once; None if any number.

    The first axis is a batch if every input and every output has it with the same length, and every input has further
    axes. A network that takes eight segments of one clip and gives one answer has no batch; a network that gives an
    answer for each frame on its first axis cannot be told from one with a batch.
    """
    inputs = {tensor.shape[0] if len(tensor.shape) > 1 else 1 for tensor in graph.inputs}
    lengths = inputs | {tensor.shape[0] if tensor.shape else 1 for tensor in graph.outputs}
    return lengths.pop() if len(lengths) == 1 else 1


def graphs_with_lengths(model_bytes, graphs, length, path):
    """A file's graphs with all lengths that can be known, and remarks on the others.

    LiteRT derives the sizes from the input's lengths, in a separate process.

    Args:
        model_bytes: of the file.
        graphs: `tflite_graph.Graph`s of it.
        length: length of the inputs' open axes except the batch, which gets 1; None if unknown.
        path: path for errors.

    Returns:
        (graphs, list of remarks).

    Raises:
        AscError: a length was given though no axis is open.
    """
    is_batch = batch_of(graphs[0]) is None
    wanted = {tensor.index: (1, *tensor.shape[1:]) if is_batch else tensor.shape for tensor in graphs[0].inputs}
    is_open = any(None in shape for shape in wanted.values())
    text = ", ".join(shape_text(tensor.shape) for tensor in graphs[0].inputs)
    if length is not None and not is_open:
        raise AscError(f"{path}: takes {text} and leaves no length open; expected no --length {length}")
    if is_open and length is None:
        return graphs, [f"the input is {text}: what depends on its length is not known; give --length"]
    tensors = itertools.chain.from_iterable((*op.inputs, *op.outputs) for graph in graphs for op in graph.operators)
    if not is_open and not any(tensor is not None and None in tensor.shape for tensor in tensors):
        return graphs, []
    wanted = {index: tuple(length if each is None else each for each in shape) for index, shape in wanted.items()}
    try:
        shapes = shapes_by_trial(model_bytes, path, wanted, len(graphs))
    except AscError as error:
        return graphs, [f"lengths that the file leaves open are not known: {error}"]
    return read_graphs(model_bytes, shapes), []


def shape_text(shape):
    """'[1, ?, 40]' for a shape whose second length is unknown."""
    return f"[{', '.join('?' if each is None else str(each) for each in shape)}]"
