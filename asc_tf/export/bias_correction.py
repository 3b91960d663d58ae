"""Subtracting the mean error of an 8-bit .tflite file's logits from its last bias. Needs no TensorFlow."""

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from asc_tf.export.operators import bias_integers, has_bias, kind_of, set_bias_integers
from asc_tf.runtime.classifier import from_quantized, to_quantized
from asc_tf.runtime.interpreter import loaded
from asc_tf.runtime.sharing_builder import packed

_KIND = schema.BuiltinOperator
_AFFINE = (_KIND.CONV_2D, _KIND.FULLY_CONNECTED)
_PASSING = (_KIND.DEQUANTIZE, _KIND.MEAN, _KIND.RESHAPE, _KIND.SQUEEZE)  # if one class gets more, the others get less


def with_corrected_bias(content, features, logits):
    """Correct an 8-bit .tflite file so that its logits have the right mean, class by class, on given clips.

    Rounding errors differ little from clip to clip: a bin's statistics, or a map's mean, are off in one direction for
    all clips. The remaining mean error of the logits is subtracted from the bias of the last convolution. A file whose
    logits do not come directly from such a bias is not changed.

    Args:
        content: bytes of a file from features to logits.
        features: [clips, frequency, time, channel].
        logits: [clips, classes], the right values.

    Reference: after Nagel et al., "Data-Free Quantization Through Weight Equalization and Bias Correction", ICCV 2019,
    section 4.2.1, for one layer, and from the error of its outputs on data.
    """
    model = schema.ModelT.InitFromObj(schema.Model.GetRootAs(content, 0))
    last = _last_affine(model)
    if last is None:
        return content
    graph = model.subgraphs[0]
    taken, kernel, bias = (graph.tensors[index] for index in last.inputs)
    step = np.float64(taken.quantization.scale[0]) * np.asarray(kernel.quantization.scale)
    values = bias_integers(model, bias)
    if len(values) != np.shape(logits)[1]:
        return content
    error = (logits_of(content, features) - logits).mean(axis=0)
    set_bias_integers(model, bias, values - error / step)
    return packed(model)


def _last_affine(model):
    """The 8-bit convolution or matrix product with a bias whose means are the graph's output, or None."""
    graph = model.subgraphs[0]
    makers = {int(index): operator for operator in graph.operators for index in operator.outputs}
    operator = makers.get(int(graph.outputs[0]))
    while operator is not None and kind_of(model, operator) in _PASSING:
        operator = makers.get(int(operator.inputs[0]))
    if operator is None or kind_of(model, operator) not in _AFFINE or not has_bias(operator):
        return None
    activation = operator.builtinOptions.fusedActivationFunction
    of_bytes = graph.tensors[operator.inputs[0]].type == schema.TensorType.INT8
    return operator if of_bytes and activation == schema.ActivationFunctionType.NONE else None


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
