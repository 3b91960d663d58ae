"""Facts that a leaf layer states of itself, so pruning, quantization, export and the account need no list of layers.

A leaf layer holds no other layer, has `get_config` and is registered for saving. It may also define any of the members
below; a function of this module reads each of them, and knows the answers for Keras's own layers. A missing member
means "no". docs/extending.md has an example.

| member | meaning | used by |
|---|---|---|
| `channel_paths` | one of the constants below: on which input channels an output channel depends | pruning |
| `compressed_kernel` | name of the attribute that holds the kernel to prune and round | pruning, quantization |
| `moves_numbers` | True: every number of the output is a number of the input | quantization |
| `identity_at_inference` | True: the layer does nothing at inference | export |
| `takes_affine` | True: a convolution whose kernel and bias can absorb a scale and a shift per channel | export |
| `inference_affine()` | (scale, shift) of a normalization that does nothing else at inference | quantization, export |
| `integer_form(mean, variance)` | (layer, weights) that compute the same in 8-bit arithmetic | export |
| `count_operations(input_shape, output_shape)` | MACs and products, where tracing cannot tell | account |

The account takes the kind of a weight from its name (kernel, bias, gamma, beta, moving_mean, moving_variance), and the
receptive field from `kernel_size` or `pool_size`, `strides`, `dilation_rate` and `padding`.
"""

import numpy as np
import tf_keras as keras

_layers = keras.layers

OWN = "own"  # output channel c depends on input channel c alone: normalizations, ReLU
ALL = "all"  # every output channel depends on all: layer normalization, softmax
SUM = "sum"  # as the layer itself computes, which adds up or picks out numbers and shifts nothing: pooling, splits
ADD = "add"  # of several inputs, wherever one of them varies: products
AVERAGE = "average"  # as ADD, without growing: means of several inputs

_PATHS = (
    (OWN, (_layers.Activation, _layers.BatchNormalization, _layers.Dropout, _layers.Normalization, _layers.ReLU,
           _layers.SpatialDropout2D)),
    (ALL, (_layers.LayerNormalization, _layers.Softmax)),
    (ADD, (_layers.Multiply,)),
)  # fmt: skip
_MOVES = (
    _layers.MaxPooling2D, _layers.GlobalMaxPooling2D, _layers.Dropout, _layers.SpatialDropout2D, _layers.Cropping2D,
    _layers.ZeroPadding2D, _layers.Flatten, _layers.Reshape, _layers.Permute,
)  # fmt: skip


def channel_paths(layer):
    """OWN, ALL, SUM, ADD or AVERAGE.

    Raises:
        ValueError: the layer is not Keras's and does not say.
    """
    if hasattr(layer, "channel_paths"):
        return layer.channel_paths
    for paths, classes in _PATHS:
        if isinstance(layer, classes):
            return paths
    if kernel_attribute(layer) or type(layer).__module__.partition(".")[0] == keras.__name__:
        return SUM
    raise ValueError(
        f"layer '{layer.name}' ({type(layer).__name__}) does not say how its channels depend on one another; expected "
        f"an attribute channel_paths, one of {', '.join((OWN, ALL, SUM, ADD, AVERAGE))} (asc_tf.layers.contract)"
    )


def kernel_attribute(layer):
    """Name of the attribute under which a layer keeps its kernel, or None if it has none to compress.

    Convolutions, depthwise convolutions, dense layers and their subclasses have one. Transposed convolutions do not,
    since their output channels lie on another axis. The output channels of a kernel are its last axis, those of a
    "depthwise_kernel" its last two.
    """
    if hasattr(layer, "compressed_kernel"):
        return layer.compressed_kernel
    if isinstance(layer, _layers.DepthwiseConv2D):
        return "depthwise_kernel"
    if isinstance(layer, (_layers.Conv2D, _layers.Dense)):
        return None if isinstance(layer, _layers.Conv2DTranspose) else "kernel"
    return None


def moves_numbers(layer):
    """Whether every number of the layer's output is one of its input, so that it needs no 8-bit range of its own."""
    return getattr(layer, "moves_numbers", isinstance(layer, _MOVES))


def identity_at_inference(layer):
    """Whether the layer does nothing at inference."""
    return getattr(layer, "identity_at_inference", isinstance(layer, (_layers.Dropout, _layers.SpatialDropout2D)))


def takes_affine(layer):
    """Whether the layer is a convolution that a scale and a shift of each output channel can be folded into."""
    if getattr(layer, "activation", None) is not keras.activations.linear:
        return False
    return getattr(layer, "takes_affine", type(layer) in (_layers.Conv2D, _layers.DepthwiseConv2D))


def is_affine_at_inference(layer):
    """Whether the layer is a normalization that scales and shifts each channel by stored numbers."""
    return hasattr(layer, "inference_affine") or isinstance(layer, _layers.BatchNormalization)


def inference_affine(layer):
    """(scale, shift) of such a normalization, each float64 [channel] or [band, channel]; None for any other layer.

    The bands are contiguous and of equal width along frequency.
    """
    if hasattr(layer, "inference_affine"):
        return layer.inference_affine()
    if isinstance(layer, _layers.BatchNormalization) and list(layer.axis) == [len(layer.input.shape) - 1]:
        return affine_of_moments(layer)
    return None


def affine_of_moments(normalization):
    """(scale, shift), in float64, of a layer with moving_mean, moving_variance, gamma, beta (or None) and epsilon."""
    mean, variance, gamma, beta = (
        default if weight is None else weight.numpy().astype(np.float64)
        for weight, default in (
            (normalization.moving_mean, None),
            (normalization.moving_variance, None),
            (normalization.gamma, np.float64(1)),
            (normalization.beta, np.float64(0)),
        )
    )
    scale = gamma / np.sqrt(variance + normalization.epsilon)
    return scale, beta - mean * scale
