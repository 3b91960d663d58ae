"""Choosing the weights that pruning keeps."""

import math

import numpy as np

from asc_tf.compression.connectivity import Connectivity
from asc_tf.compression.kernels import kernels
from asc_tf.layers.contract import kernel_attribute


def connected_masks(model, ratio, floor=0.0):
    """Masks that keep the largest magnitudes of all kernels together, among the weights that can affect the output.

    A threshold alone keeps many useless weights. The size of a depthwise kernel means nothing if a normalization
    follows, and weight decay makes the kernel small. Its few weights are then pruned, the channel becomes a constant,
    and the weights that read it are kept for nothing: half of the weights kept in BC-ResNet-ASC of width 40 at 0.89. So
    the largest weight of each channel of a depthwise kernel is kept before all others. The next largest weights on a
    path from input to output (`Connectivity`) replace kept weights on no path, until all kept weights are on one.

    Args:
        model: plain functional model.
        ratio: share of the weights to prune; of N weights exactly round((1 - ratio) N) are kept.
        floor: least share of each kernel's weights to keep, if they lie on a path; at least one weight.

    Returns:
        float32 arrays of ones (kept) and zeros in the order of `kernels`.
    """
    sizes = [_size(kernel.numpy(), model.get_layer(name)) for name, kernel in kernels(model).items()]
    connectivity = Connectivity(model)
    masks = global_masks(sizes, ratio, floor)
    while True:
        useless = [mask > connects for mask, connects in zip(masks, connectivity.connected(masks), strict=True)]
        if not any(where.any() for where in useless):
            return masks
        # A weight once found useless stays out, so that the loop ends.
        sizes = [np.where(where, -1, size) for where, size in zip(useless, sizes, strict=True)]
        kept = global_masks(sizes, ratio, floor)
        if sum(mask.sum() for mask in kept) < sum(mask.sum() for mask in masks):
            return masks
        masks = kept


def layer_masks(arrays, ratio):
    """Masks that keep the same share of the largest magnitudes of each array."""
    sizes = [np.abs(array) for array in arrays]
    return [_largest(size, max(1, round((1 - ratio) * size.size))).astype(np.float32) for size in sizes]


def global_masks(sizes, ratio, floor=0.0):
    """Masks that keep the largest of all arrays together.

    Args:
        sizes: arrays; negative numbers are not kept. Among equal numbers the first are kept, so that counts are exact.
        ratio, floor: of `connected_masks`.
    """
    masks = [_largest(size, max(1, math.ceil(floor * size.size))).reshape(-1) for size in sizes]
    chosen = np.concatenate(masks)
    missing = round((1 - ratio) * chosen.size) - int(chosen.sum())
    chosen |= _largest(np.where(chosen, -1, np.concatenate([size.reshape(-1) for size in sizes])), max(missing, 0))
    parts = np.split(chosen, np.cumsum([size.size for size in sizes])[:-1])
    return [part.reshape(size.shape).astype(np.float32) for part, size in zip(parts, sizes, strict=True)]


def _size(kernel, layer):
    """Magnitudes; the largest one of each channel of a depthwise kernel counts as infinite."""
    size = np.abs(kernel)
    if kernel_attribute(layer) == "depthwise_kernel":
        taps = size.reshape(-1, *kernel.shape[2:])
        np.put_along_axis(taps, taps.argmax(axis=0)[np.newaxis], np.inf, axis=0)
    return size


def _largest(values, count):
    """Boolean mask of the `count` largest values; of fewer where the others are negative."""
    mask = np.zeros(values.size, bool)
    mask[np.argsort(-values, axis=None, kind="stable")[:count]] = True
    return mask.reshape(values.shape) & (values >= 0)
