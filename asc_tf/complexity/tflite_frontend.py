"""Where in a .tflite file from waveform to probabilities the network begins. Needs no TensorFlow."""

FEATURES = "features"  # the tensor that `asc_tf.export` names so


def network_operators(graph, metadata=None):
    """Which operators are the network's; the others are the frontend's, from waveform to features.

    Our files name the features, and the network begins behind them. TensorFlow's converter names tensors by the layers
    they come from: in other files the network begins where its own name, which metadata may hold, first stands in a
    tensor's name. In a file without names or metadata it begins behind the first map
    [1, frequency, time, 1] that follows from a Fourier transform; what a frontend does with such a map (PCEN) then
    counts as the network's. A file without a Fourier transform is all network.

    Args:
        graph: `tflite_graph.Graph`.
        metadata: the file's `Metadata`, or None.

    Returns:
        A list of bool, one an operator.
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
    """The chosen operators and all that their outputs reach."""
    reached, result = set(), []
    for operator, is_chosen in zip(operators, chosen, strict=True):
        follows = is_chosen or bool(reached & _indices(operator.inputs))
        if follows:
            reached |= _indices(operator.outputs)
        result.append(follows)
    return result


def _indices(tensors):
    return {tensor.index for tensor in tensors if tensor is not None}
