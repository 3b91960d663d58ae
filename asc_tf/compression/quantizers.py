"""Rounding of kernels and feature maps to 8 bits in quantization-aware training."""

import tensorflow as tf
import tensorflow_model_optimization as tfmot
import tf_keras as keras

from asc_tf.internals.model_optimization import output_range, quantized_weights
from asc_tf.layers.contract import kernel_attribute

_tfmot = tfmot.quantization.keras


class KernelQuantizer(_tfmot.quantizers.Quantizer):
    """Round a masked kernel to the symmetric 8-bit grid of each output channel.

        scale_c = max |w_c| / 127,   q(w) = scale_c * round(w / scale_c)

    The gradient passes as if nothing were rounded (straight through) where the mask is one, and is zero elsewhere.
    An output channel is an index of the last axis, or, in a depthwise kernel, of the last two.

    Args:
        depthwise: whether the kernel is that of a depthwise convolution, [frequency, time, channel, multiplier].
    """

    def __init__(self, depthwise=False):
        self.depthwise = depthwise

    def build(self, tensor_shape, name, layer):
        mask = layer.add_weight(f"{name}_mask", tensor_shape, initializer="ones", trainable=False)
        return {"mask": mask}

    def __call__(self, inputs, training, weights, **kwargs):
        mask = tf.cast(weights["mask"], inputs.dtype)
        kernel = inputs * mask
        axes = list(range(len(kernel.shape) - (2 if self.depthwise else 1)))
        scale = tf.reduce_max(tf.abs(kernel), axis=axes, keepdims=True) / 127
        # A channel that is pruned entirely has no scale.
        return straight_through(kernel, tf.round(tf.math.divide_no_nan(kernel, scale)) * scale)

    def get_config(self):
        return {"depthwise": self.depthwise}


@tf.custom_gradient
def straight_through(values, rounded):
    """The rounded values; the gradient passes to the values before rounding."""
    return tf.identity(rounded), lambda upstream: (upstream, None)


class RangeQuantizer(_tfmot.quantizers.Quantizer):
    """Round a feature map to 256 values between its moving minimum and maximum, zero among them.

    The range begins with the calibration's range, or that of the first batch in training; until then nothing is
    rounded. tfmot's own range begins at -6 ... 6 and needs thousands of steps from there.

    Args:
        momentum: momentum of the moving range; by default that of the networks' batch normalizations, since the ranges
            follow their statistics.
    """

    def __init__(self, momentum=0.9):
        self.momentum = momentum

    def build(self, tensor_shape, name, layer):
        def bound(which):
            return layer.add_weight(
                f"{name}_{which}",
                (),
                dtype=tf.float32,
                initializer="zeros",
                trainable=False,
                synchronization=tf.VariableSynchronization.ON_READ,
                aggregation=tf.VariableAggregation.MEAN,
                experimental_autocast=False,
            )

        return {"min": bound("min"), "max": bound("max")}

    def __call__(self, inputs, training, weights, **kwargs):
        features = tf.cast(inputs, tf.float32)
        low, high = weights["min"], weights["max"]
        known = tf.convert_to_tensor(high) > tf.convert_to_tensor(low)
        if training:
            low = self._moved(low, tf.minimum(tf.reduce_min(features), 0), known)
            high = self._moved(high, tf.maximum(tf.reduce_max(features), 0), known)
            rounded = tf.quantization.fake_quant_with_min_max_vars(features, low, high)
        else:
            rounded = tf.where(known, tf.quantization.fake_quant_with_min_max_vars(features, low, high), features)
        return tf.cast(rounded, inputs.dtype)

    def _moved(self, bound, seen, known):
        seen = tf.stop_gradient(seen)
        moved = tf.where(known, bound + (seen - bound) * (1 - self.momentum), seen)
        bound.assign(moved)
        return moved

    def get_config(self):
        return {"momentum": self.momentum}


class EightBit(_tfmot.QuantizeConfig):
    """Rounds a layer's kernel, if the layer has one, and if asked for its output.

    Args:
        output: round the output.
    """

    def __init__(self, output=False):
        self.output = output

    def get_weights_and_quantizers(self, layer):
        attribute = kernel_attribute(layer)
        return [(getattr(layer, attribute), KernelQuantizer(attribute == "depthwise_kernel"))] if attribute else []

    def set_quantize_weights(self, layer, quantize_weights):
        for kernel in quantize_weights:
            setattr(layer, kernel_attribute(layer), kernel)

    def get_activations_and_quantizers(self, layer):
        return []

    def set_quantize_activations(self, layer, quantize_activations):
        pass

    def get_output_quantizers(self, layer):
        return [RangeQuantizer()] if self.output else []

    def get_config(self):
        return {"output": self.output}


@keras.saving.register_keras_serializable("asc_tf")
class QuantizedLayer(_tfmot.QuantizeWrapper):
    """tfmot's quantizing wrapper with `EightBit`, in a form that can be saved in .keras files.

    Args:
        layer: any layer of one output.
        output: round its output.
    """

    prefix = "quant_"

    def __init__(self, layer, output=False, **kwargs):
        super().__init__(layer, EightBit(output), name_prefix=self.prefix, **kwargs)

    def effective_kernel(self):
        """The masked and rounded kernel."""
        ((kernel, quantizer, state),) = quantized_weights(self)
        return quantizer(tf.convert_to_tensor(kernel), False, weights=state)

    def set_mask(self, mask):
        """Keep the kernel's weights where `mask` is one; the others are zero from now on."""
        ((_, _, state),) = quantized_weights(self)
        state["mask"].assign(mask)

    def set_range(self, low, high):
        """Set the range of the output."""
        bounds = output_range(self)
        bounds["min"].assign(low)
        bounds["max"].assign(high)

    def get_config(self):
        config = super().get_config()
        del config["quantize_config"]
        return {**config, **self.quantize_config.get_config()}

    @classmethod
    def from_config(cls, config):
        config = dict(config)
        return cls(keras.layers.deserialize(config.pop("layer")), **config)
