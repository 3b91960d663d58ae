"""Finding where the network begins in a .tflite file from waveform to probabilities. Needs no TensorFlow."""

FEATURES = "features"  # `asc_tf.export` gives the tensor this name


def network_operators(graph, metadata=None):
    """Tell the network's operators from the frontend's, which go from waveform to features.

    Our files name the features, and the network begins after them. TensorFlow's converter names tensors after layers:
    in other files the network begins at the first tensor whose name contains the network's own name, which metadata may
    hold. In a file without names or metadata it begins after the first map [1, frequency, time, 1] that follows from a
    Fourier transform; a frontend's later steps (PCEN) then count as the network's. A file without a Fourier transform
    is all network.

    Args:
        graph: `tflite_graph.Graph`.
        metadata: the file's `Metadata`, or None.

    Returns:
        A list of bool, one per operator, true for the network's.
    """
    operators = graph.operators
    features = {tensor.index for operator in operators for tensor in operator.outputs if tensor.name == FEATURES}
    if features:
        return _readers(operators, features)
    if metadata is not None:
        named = [_carries(operator, metadata.network) for operator in operators]
        if any(named):
            return _and_followers(operators, named)
    transforms = [operator.name == "RFFT2D" for operator in operators]
    if not any(transforms):
        return [True] * len(operators)
    spectral = _and_followers(operators, transforms)
    for operator, follows in zip(operators, spectral, strict=True):
        if follows and operator.outputs and _is_map(operator.outputs[0], metadata):
            return _readers(operators, {operator.outputs[0].index})
    return [True] * len(operators)


def _carries(operator, network):
    return any(f"/{network}/" in f"/{tensor.name}" for tensor in operator.outputs)


def _readers(operators, features):
    return _and_followers(operators, [bool(features & _indices(operator.inputs)) for operator in operators])


def _is_map(tensor, metadata):
    shape = tensor.shape
    bins = None if metadata is None else metadata.frontend.get("mel_bins")
    if len(shape) != 4 or None in shape:
        return False
    return shape[0] == shape[3] == 1 < min(shape[1:3]) and bins in (None, shape[1])


def _and_followers(operators, chosen):
    """The chosen operators and all operators that depend on their outputs."""
    reached, result = set(), []
    for operator, is_chosen in zip(operators, chosen, strict=True):
        follows = is_chosen or bool(reached & _indices(operator.inputs))
        if follows:
            reached |= _indices(operator.outputs)
        result.append(follows)
    return result


def _indices(tensors):
    return {tensor.index for tensor in tensors if tensor is not None}
