"""Limits of the training step on these cores, for models.py: its convolutions alone, and the rest's memory traffic.

Both are sides as in models.py: functions of (part, width, clips) that return a function that runs this many steps.
"""

import numpy as np


def convolutions_side(_, width, clips):
    """The training step's convolutions and nothing else: forward, gradient of the kernel, gradient of the input."""
    model = network(width)
    jobs = [convolution_job(layer, clips) for layer in model.layers if "Conv" in type(layer).__name__]

    def run(steps):
        for _ in range(steps):
            for function, tensors in jobs:
                function(*tensors)

    return run


def convolution_job(layer, clips):
    """(compiled function, its tensors) of one convolution, both passes."""
    import tensorflow as tf

    first = layer.input.name.startswith(("input_resnorm", "standardize", "features"))  # its input needs no gradient
    x = tf.random.normal((clips, *layer.input.shape[1:]))
    upstream = tf.random.normal((clips, *layer.output.shape[1:]))

    @tf.function(autograph=False)
    def both(x, upstream):
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            wanted = list(layer.trainable_weights) if first else [x, *layer.trainable_weights]
            tape.watch(wanted)
            outputs = layer(x)
        gradients = tape.gradient(outputs, wanted, output_gradients=upstream)
        # One number of each: all are computed, none is copied.
        return [tf.reshape(tensor, (-1,))[0] for tensor in (outputs, *gradients)]

    return both.get_concrete_function(x, upstream), (x, upstream)


def memory_side(_, width, clips):
    """Move as many bytes as the layers between the convolutions if each takes its tensors from memory once a pass.

    Forward: the inputs are read, the output is written. Backward: the output's gradient and the inputs are read, the
    inputs' gradients are written. The bytes move in TensorFlow's fastest way: x * 2 over one large tensor.
    """
    import tensorflow as tf

    others = [layer for layer in network(width).layers[1:] if "Conv" not in type(layer).__name__]
    numbers = sum(3 * inputs_of(layer) + 2 * int(np.prod(layer.output.shape[1:])) for layer in others) * clips
    x = tf.random.normal((clips, 128, 167, width))
    passes = round(numbers / (2 * int(tf.size(x))))

    @tf.function(autograph=False)
    def double(x):
        return tf.reshape(x * 2.0, (-1,))[0]

    double = double.get_concrete_function(x)

    def run(steps):
        for _ in range(steps * passes):
            double(x)

    return run


def network(width):
    import asc_tf

    return asc_tf.bc_resnet_asc((256, 334, 1), 10, width, norm_position="all")


def inputs_of(layer):
    """Numbers in the inputs of a layer, for one clip."""
    inputs = layer.input if isinstance(layer.input, list) else [layer.input]
    return sum(int(np.prod(tensor.shape[1:])) for tensor in inputs)
