"""Where in a .tflite file from waveform to probabilities the network begins. Needs no TensorFlow."""


def network_operators(graph, metadata=None):
    """Which operators are the network's; the others are the frontend's, from waveform to features.

    The converter names tensors by the layers they come from, so the network begins where its own name, which our
    metadata holds, first stands in a tensor's name. In a file without names or metadata it begins behind the first map
    [1, frequency, time, 1] that follows from a Fourier transform; what a frontend does with such a map (PCEN) then
    counts as the network's. A file without a Fourier transform is all network.

    Args:
        graph: `tflite_graph.Graph`.
        metadata: the file's `Metadata`, or None.

    Returns:
        A list of bool, one an operator.
    """
    operators = graph.operators
    if metadata is not None:
        named = [_carries(operator, metadata.network) for operator in operators]
        if any(named):
            return _and_followers(operators, named)
    transforms = [operator.name == "RFFT2D" for operator in operators]
    if not any(transforms):
        return [True] * len(operators)
    spectral = _and_followers(operators, transforms)
    for operator, follows in zip(operators, spectral, strict=True):
        if follows and _is_map(operator.outputs[0], metadata):
            features = {operator.outputs[0].index}
            return _and_followers(operators, [bool(features & _indices(other.inputs)) for other in operators])
    return [True] * len(operators)


def _carries(operator, network):
    return any(f"/{network}/" in f"/{tensor.name}" for tensor in operator.outputs)


def _is_map(tensor, metadata):
    shape = tensor.shape
    bins = None if metadata is None else metadata.frontend.get("mel_bins")
    return len(shape) == 4 and shape[0] == shape[3] == 1 < min(shape[1:3]) and bins in (None, shape[1])


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
