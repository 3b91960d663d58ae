"""Depthwise convolution whose strides over frequency and time differ."""

import functools
import operator

import tensorflow as tf
import tf_keras as keras


@keras.saving.register_keras_serializable("asc_tf")
class StridedDepthwiseConv2D(keras.layers.DepthwiseConv2D):
    """`DepthwiseConv2D` that may stride over one axis alone, on every device and at every precision.

    TensorFlow's own kernels refuse unequal strides, except oneDNN's for float32. Every s-th row of the output meets the
    taps p, p + s, p + 2s ... of the kernel only with the rows of the same remainder p. So the convolution is a sum of s
    convolutions of stride 1, with the same number of multiplications in total:

        y = sum_p x[p::s] * w[p::s]

    Arguments, weights, padding and result are those of `keras.layers.DepthwiseConv2D`, which computes equal strides.

    Input: [batch, frequency, time, channel], frequency and time static.

    Raises:
        ValueError: `data_format` is not channels_last.
    """

    takes_affine = True

    def build(self, input_shape):
        if self.data_format != "channels_last":
            raise ValueError(f"data_format of '{self.name}' is {self.data_format}; expected channels_last")
        super().build(input_shape)

    def call(self, inputs):
        if self.strides[0] == self.strides[1]:
            return super().call(inputs)
        axes = [self._axis(inputs.shape[1 + axis], axis) for axis in (0, 1)]
        padded = tf.pad(inputs, ((0, 0), *(padding for padding, _ in axes), (0, 0)))
        parts = [
            tf.nn.depthwise_conv2d(padded[:, rows, columns], self.depthwise_kernel[taps, across], (1,) * 4, "VALID")
            for rows, taps in axes[0][1]
            for columns, across in axes[1][1]
        ]
        outputs = functools.reduce(operator.add, parts)  # TFLite has no 8-bit form of `add_n`
        if self.use_bias:
            outputs += self.bias
        return outputs if self.activation is None else self.activation(outputs)

    def _axis(self, size, axis):
        """((zeros before, zeros after), one (slice of the padded input, slice of the kernel) per remainder)."""
        stride, kernel = self.strides[axis], self.kernel_size[axis]
        missing = 0
        if self.padding == "same":
            missing = max(-(-size // stride) * stride - stride + kernel - size, 0)
        places = (size + missing - kernel) // stride + 1
        slices = []
        for remainder in range(min(stride, kernel)):
            taps = len(range(remainder, kernel, stride))
            stop = remainder + (places + taps - 2) * stride + 1
            slices.append((slice(remainder, stop, stride), slice(remainder, None, stride)))
        return (missing // 2, missing - missing // 2), slices
