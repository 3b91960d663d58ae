"""Peak memory of the features of a .tflite file. Needs no TensorFlow."""

from asc_tf.complexity.account import Peak
from asc_tf.complexity.liveness import memory_at_steps

VIEWS = {"RESHAPE", "SQUEEZE", "EXPAND_DIMS"}


def name_of(operator):
    """The name of the operator's output, or a made-up name if the file has none."""
    output = operator.outputs[0]
    return output.name.split(";")[0] or f"{operator.name}_{output.index}"


def peaks_of(running, whole, origins, clips):
    """{part: `Peak`} of the features of one clip, by liveness.

    Args:
        running: list of (`tflite_calls.Step`, part) of an inference, without steps that follow from stored numbers
            alone.
        whole: `tflite_graph.Graph` of an inference; its outputs are needed at the end.
        origins: tensors that follow from stored numbers alone.
        clips: number of clips per inference.
    """
    held, sizes, steps, kept = {}, {}, [], set()

    def place(tensor, same_as=None):
        owner = held.setdefault(tensor.index, tensor.index if same_as is None else held[same_as.index])
        sizes.setdefault(owner, tensor.bytes)
        if tensor.is_state:
            kept.add(owner)
        return owner

    for step, _ in running:
        operator = step.operator
        inputs = [tensor for tensor in operator.inputs if tensor is not None and tensor.index not in origins]
        read = [place(tensor) for tensor in inputs]
        same_as = inputs[0] if inputs and operator.name in VIEWS else None
        steps.append((read, [place(tensor, same_as) for tensor in operator.outputs]))
    if None in sizes.values():
        return {part: Peak(None) for _, part in running}
    wanted = [held[tensor.index] for tensor in whole.outputs if tensor.index in held]
    peaks = {}
    for (step, part), size in zip(running, memory_at_steps(steps, sizes, [*wanted, *kept]), strict=True):
        if step.operator.outputs and -(-size // clips) > peaks.get(part, Peak()).bytes:
            peaks[part] = Peak(-(-size // clips), name_of(step.operator))
    return peaks
