"""The blocks' layers in numpy, for inference, in float64, with the weights of a Keras model's layers by name."""

import numpy as np
from scipy.signal import correlate


def with_random_weights(model):
    """Weights between 0.5 and 1.5 everywhere, statistics of normalizations included; returns the model."""
    generator = np.random.default_rng(0)
    for layer in model.layers:
        layer.set_weights([generator.uniform(0.5, 1.5, weight.shape) for weight in layer.get_weights()])
    return model


class NumpyLayers:
    """The layers of `model` whose names begin with `prefix`."""

    def __init__(self, model, prefix):
        self.model = model
        self.prefix = prefix

    def weights(self, name):
        return [weight.astype(np.float64) for weight in self.model.get_layer(f"{self.prefix}_{name}").get_weights()]

    def pointwise(self, x, name):
        return x @ self.weights(name)[0][0, 0]

    def depthwise(self, x, name):
        kernel = self.weights(name)[0][..., 0]
        padding = [(0, 0), *((size // 2, size // 2) for size in kernel.shape[:2])]
        planes = [
            correlate(np.pad(x[..., c], padding), kernel[np.newaxis, :, :, c], mode="valid") for c in range(x.shape[-1])
        ]
        return np.stack(planes, axis=-1)

    def batch_norm(self, x, name):
        gamma, beta, mean, variance = self.weights(name)
        return gamma * (x - mean) / np.sqrt(variance + 1e-5) + beta

    def sub_spectral_norm(self, x, name):
        bands = np.arange(x.shape[1]) * 4 // x.shape[1]
        gamma, beta, mean, variance = (weight[bands][:, None, :] for weight in self.weights(name))
        return gamma * (x - mean) / np.sqrt(variance + 1e-5) + beta

    def bc_res2(self, x, transition):
        """Equations 1 and 2 of the HYU paper, s = 4, and the sum around them."""
        identity = x
        if transition:
            x = relu(self.batch_norm(self.pointwise(x, "expand"), "expand_bn"))
        parts = np.split(x, 4, axis=-1)

        def f2(i):
            if i == 1:
                return parts[0]
            x_i = parts[i - 1] if i == 2 else parts[i - 1] + f2(i - 1)
            return self.sub_spectral_norm(self.depthwise(x_i, f"frequency{i}"), f"ssn{i}")

        two_d = np.concatenate([f2(1), f2(2), f2(3), f2(4)], axis=-1)
        rows = np.split(two_d.mean(axis=1, keepdims=True), 4, axis=-1)

        def f1(i):
            if i == 1:
                return rows[0]
            return relu(self.depthwise(rows[i - 1] if i == 2 else rows[i - 1] + f1(i - 1), f"time{i}"))

        one_d = self.pointwise(np.concatenate([f1(1), f1(2), f1(3), f1(4)], axis=-1), "pointwise")
        return relu(self.batch_norm(two_d + one_d + (0 if transition else identity), "bn"))


def relu(x):
    return np.maximum(0, x)
