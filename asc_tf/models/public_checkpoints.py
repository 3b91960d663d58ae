"""Public PyTorch checkpoints of networks that are here too: which tensor of theirs is which weight of ours."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import tf_keras as keras

from asc_tf.errors import AscError
from asc_tf.layers import GlobalResponseNormalization
from asc_tf.models.cp_mobile_2023 import BLOCKS_PER_STAGE as CP_MOBILE_BLOCKS
from asc_tf.models.tf_sepnet import BLOCKS_PER_STAGE as TF_SEPNET_BLOCKS

_NORM = ("weight", "bias", "running_mean", "running_var")


def _cp_mobile_2023() -> Iterator[tuple[str, str]]:
    for stem in (0, 1):
        yield f"stem{stem + 1}", f"in_c.{stem}.0"
        yield f"stem{stem + 1}_bn", f"in_c.{stem}.1"
    block = 0
    for stage, blocks in enumerate(CP_MOBILE_BLOCKS, start=1):
        for _ in range(blocks):
            block += 1
            ours, theirs = f"stage{stage}_block{block}", f"stages.s{stage}.b{block}"
            for number, part in enumerate(("expand", "depthwise", "project")):
                yield f"{ours}_{part}", f"{theirs}.block.{number}.0"
                yield f"{ours}_{part}_bn", f"{theirs}.block.{number}.1"
            yield f"{ours}_grn", f"{theirs}.after_block_norm"
    yield "classifier", "feed_forward.0"
    yield "classifier_bn", "feed_forward.1"


def _tf_sepnet() -> Iterator[tuple[str, str]]:
    convolutions = [(f"stem{stem + 1}", f"conv_layers.{stem}") for stem in (0, 1)]
    parts = {
        "expand": "trans_conv",
        "frequency": "freq_dw_conv",
        "frequency_pointwise": "freq_pw_conv",
        "time": "temp_dw_conv",
        "time_pointwise": "temp_pw_conv",
    }
    place = 1  # theirs count normalizations and poolings too
    for stage, blocks in enumerate(TF_SEPNET_BLOCKS, start=1):
        for block in range(1, blocks + 1):
            convolutions += [
                (f"stage{stage}_block{block}_{ours}", f"middle_layers.{place}.{theirs}")
                for ours, theirs in parts.items()
                if ours != "expand" or block == 1
            ]
            place += 1
        place += 2
    for ours, theirs in convolutions:
        yield ours, f"{theirs}._conv"
        yield f"{ours}_bn", f"{theirs}._bn"
    yield "classifier", "classifier.conv"


@dataclass(frozen=True)
class PublicNetwork:
    """Where a checkpoint keeps a network: the prefix of its tensors, and pairs (our layer, their module)."""

    prefix: str
    names: Callable[[], Iterator[tuple[str, str]]]


PUBLIC_NETWORKS = {
    "cp-mobile-2023": PublicNetwork("model.", _cp_mobile_2023),
    "tf-sepnet": PublicNetwork("backbone.", _tf_sepnet),
}


def load_public_weights(model, network, tensors, source):
    """Give a model the weights of a checkpoint.

    Args:
        model: of `asc_tf.models`.
        network: name of `PUBLIC_NETWORKS`.
        tensors: {name: array}, as a `Checkpoint` has them. Those beside the network's prefix, such as a frontend's, are
            left alone.
        source: the checkpoint's path, for errors.

    Raises:
        AscError: a tensor is missing, superfluous, of another shape or not finite.
    """
    prefix = PUBLIC_NETWORKS[network].prefix
    left = {name.removeprefix(prefix): value for name, value in tensors.items() if name.startswith(prefix)}
    values = {}
    for name, module in PUBLIC_NETWORKS[network].names():
        layer = model.get_layer(name)
        values[layer] = [_taken(left, f"{module}.{part}", shape, source, prefix) for part, shape in _parts(layer)]
    superfluous = [name for name in left if not name.endswith(".num_batches_tracked")]
    if superfluous:
        raise AscError(
            f"{source}: holds tensors that {network} does not have ({len(superfluous)}, such as {prefix}"
            f"{superfluous[0]}); expected a checkpoint of that network"
        )
    for layer, weights in values.items():
        layer.set_weights([_ours(weight, own.shape) for weight, own in zip(weights, layer.get_weights(), strict=True)])


def _parts(layer):
    """(name, PyTorch's shape) of each of a layer's tensors, in the order of its weights."""
    shapes = [weight.shape for weight in layer.get_weights()]
    if isinstance(layer, keras.layers.BatchNormalization):
        return list(zip(_NORM, shapes, strict=True))
    if isinstance(layer, GlobalResponseNormalization):
        return list(zip(("gamma", "beta"), shapes, strict=True))
    height, width, inputs, outputs = shapes[0]
    depthwise = isinstance(layer, keras.layers.DepthwiseConv2D)
    kernel = (inputs * outputs, 1, height, width) if depthwise else (outputs, inputs, height, width)
    return list(zip(("weight", "bias"), (kernel, *shapes[1:]), strict=False))


def _taken(left, name, shape, source, prefix):
    if name not in left:
        raise AscError(f"{source}: has no tensor {prefix}{name}; expected one of shape {shape}")
    value = left.pop(name)
    if value.shape != tuple(shape):
        raise AscError(f"{source}: tensor {prefix}{name} has shape {value.shape}; expected {tuple(shape)}")
    if not np.isfinite(value).all():
        raise AscError(f"{source}: tensor {prefix}{name} holds numbers that are not finite")
    return value


def _ours(value, shape):
    """A tensor in the axis order of Keras."""
    if value.ndim != 4:
        return value
    if value.shape[1] == 1 and shape[2] * shape[3] == value.shape[0]:  # depthwise: [inputs, multiplier, height, width]
        return value.reshape(shape[2], shape[3], *shape[:2]).transpose(2, 3, 0, 1)
    return value.transpose(2, 3, 1, 0)
