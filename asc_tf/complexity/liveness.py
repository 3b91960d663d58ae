"""Peak memory of features, by liveness. Needs no TensorFlow."""


def memory_at_steps(steps, sizes, outputs):
    """Bytes of features alive at each step of a graph.

    A tensor takes memory from the step that writes it (an input: from the first step) until the last step that reads it
    (an output: until the last step of all). A step's inputs and outputs are alive together: nothing is computed in
    place. With a skip connection the skipped tensor stays alive beside the branch.

    Args:
        steps: list of (tensors read, tensors written) in the order of execution; a tensor is any hashable name.
        sizes: {tensor: bytes}. Two names for the same memory must be given as one.
        outputs: tensors that are wanted in the end.

    Returns:
        A list of bytes, one a step.
    """
    first, last = {}, {}
    for index, (read, written) in enumerate(steps):
        for tensor in read:
            first.setdefault(tensor, 0)
            last[tensor] = index
        for tensor in written:
            first.setdefault(tensor, index)
            last[tensor] = max(index, last.get(tensor, index))
    for tensor in outputs:
        if tensor in first:
            last[tensor] = len(steps) - 1
    change = [0] * (len(steps) + 1)
    for tensor, start in first.items():
        change[start] += sizes[tensor]
        change[last[tensor] + 1] -= sizes[tensor]
    alive = []
    for index in range(len(steps)):
        alive.append(change[index] + (alive[-1] if alive else 0))
    return alive
