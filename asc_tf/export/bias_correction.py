"""Biases of an 8-bit .tflite file, corrected so that each channel has the right mean. Needs no TensorFlow."""

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from asc_tf.export.intermediate_maps import values_of
from asc_tf.export.operators import AFFINE, BIAS, bias_integers, has_bias, kind_of, own_bias, set_bias_integers
from asc_tf.runtime.classifier import from_quantized, to_quantized
from asc_tf.runtime.interpreter import loaded
from asc_tf.runtime.sharing_builder import packed

_CLIPS = 48  # are enough for the means of a channel
_LEAST_ACTIVE = 0.2  # share of a channel above zero: below it, the slope of a ReLU's mean is not trusted


def with_corrected_biases(content, reference, features):
    """Correct an 8-bit .tflite file so that the outputs of its convolutions have the right mean, channel by channel.

    Rounding errors differ little from clip to clip and from frame to frame. A rounded kernel meets maps that are
    positive behind a ReLU; a normalization turns a ReLU's many zeros into one value a bin, and all of them are rounded
    in one direction. The mean error of each channel is subtracted from the bias, from the input to the output, since
    each correction changes what the next convolutions get. The output of a fused ReLU tells the error before it: both
    means change by the share of the values above zero.

    Args:
        content: bytes of a file from features to logits.
        reference: bytes of the float file of the same network by the same converter: tensors are found by their names,
            and convolutions without such a name stay as they are.
        features: [clips, frequency, time, channel], as balanced as those that set the scales.

    Reference: after Nagel et al., "Data-Free Quantization Through Weight Equalization and Bias Correction", ICCV 2019,
    section 4.2.1, from the error on data (appendix D).
    """
    model, right = (schema.ModelT.InitFromObj(schema.Model.GetRootAs(file, 0)) for file in (content, reference))
    places = {tensor.name: index for index, tensor in enumerate(right.subgraphs[0].tensors)}
    tensors = model.subgraphs[0].tensors
    levels = [
        [operator for operator in level if tensors[operator.outputs[0]].name in places]
        for level in _levels_of_biased(model)
    ]
    if not any(levels):
        return content
    clips = features[:: -(-len(features) // _CLIPS)]
    place_of = {int(o.outputs[0]): places[tensors[o.outputs[0]].name] for level in levels for o in level}
    wanted = _channel_means(right, sorted({*place_of.values()}), clips)
    for level in filter(None, levels):
        found = _channel_means(model, [int(operator.outputs[0]) for operator in level], clips)
        for operator in level:
            index = int(operator.outputs[0])
            _correct(model, operator, *found[index], wanted[place_of[index]][0])
    return packed(model)


def _levels_of_biased(model):
    """Lists of 8-bit convolutions and matrix products with a bias, of which none depends on another in its list."""
    graph = model.subgraphs[0]
    level_of, levels = {}, {}
    for operator in graph.operators:
        level = max((level_of.get(int(index), 0) for index in operator.inputs), default=0)
        of_bytes = graph.tensors[operator.outputs[0]].type == schema.TensorType.INT8
        if kind_of(model, operator) in AFFINE and has_bias(operator) and of_bytes:
            levels.setdefault(level, []).append(operator)
            level += 1
        level_of.update(dict.fromkeys(map(int, operator.outputs), level))
    return [levels[level] for level in sorted(levels)]


def _channel_means(model, tensors, features):
    """{tensor: (mean of each channel, share of its values above zero)} over clips, both [channel]."""
    sums = dict.fromkeys(tensors, 0.0)
    for values in values_of(model, tensors, features):
        for index, numbers in values.items():
            real = _real(model.subgraphs[0].tensors[index], numbers)
            rows = real.reshape(-1, real.shape[-1])
            sums[index] = sums[index] + np.stack([rows.mean(axis=0), (rows > 0).mean(axis=0)])
    return {index: total / len(features) for index, total in sums.items()}


def _real(tensor, numbers):
    if numbers.dtype != np.int8:
        return numbers
    return tensor.quantization.scale[0] * (numbers.astype(np.float32) - tensor.quantization.zeroPoint[0])


def _correct(model, operator, mean, active, wanted):
    """Subtract the error of an operator's mean outputs, [channel], from its bias."""
    error = mean - wanted
    if operator.builtinOptions.fusedActivationFunction != schema.ActivationFunctionType.NONE:
        error = error / np.maximum(active, _LEAST_ACTIVE)
    tensors = model.subgraphs[0].tensors
    taken, kernel = (tensors[index].quantization.scale for index in operator.inputs[:BIAS])
    step = np.float64(taken[0]) * np.asarray(kernel)
    bias = own_bias(model, operator)
    set_bias_integers(model, bias, bias_integers(model, bias) - error / step)


def logits_of(content, features):
    """Logits [clips, classes] that a .tflite file of one clip gives to features [clips, frequency, time, channel]."""
    interpreter = loaded(content)
    (taken,), (given,) = interpreter.get_input_details(), interpreter.get_output_details()
    found = []
    for clip in features:
        interpreter.set_tensor(taken["index"], to_quantized(clip[np.newaxis], taken))
        interpreter.invoke()
        found.append(from_quantized(interpreter.get_tensor(given["index"])[0], given))
    return np.array(found)
