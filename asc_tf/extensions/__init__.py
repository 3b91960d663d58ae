"""Extensions by one file each: networks, normalizations, augmentations and layouts of data sets.

A line here adds an extension to this package; an entry point of the group "asc_tf.networks", "asc_tf.normalizations",
"asc_tf.augmentations" or "asc_tf.layouts" adds one from another package, and `register` one from a notebook.
docs/extending.md shows each. The homes are texts, so that names can be listed without TensorFlow.
"""

from asc_tf.errors import AscError, nearest
from asc_tf.extensions.registry import Registry

NETWORKS = Registry(
    "network",
    {
        "bc-res2net": "asc_tf.models.bc_res2net:bc_res2net",
        "bc-resnet": "asc_tf.models.bc_resnet:bc_resnet",
        "bc-resnet-asc": "asc_tf.models.bc_resnet_asc:bc_resnet_asc",
        "cp-mobile": "asc_tf.models.cp_mobile:cp_mobile",
        "cp-mobile-2023": "asc_tf.models.cp_mobile_2023:cp_mobile_2023",
        "cp-resnet": "asc_tf.models.cp_resnet:cp_resnet",
        "tf-sepnet": "asc_tf.models.tf_sepnet:tf_sepnet",
    },
)
"""Functions (input_shape, classes, feature_mean, feature_std, **settings) to a flat functional model of logits."""

NORMALIZATIONS = Registry(
    "normalization",
    {
        "resnorm": "asc_tf.blocks.frequency_norm:resnorm",
        "adaresnorm": "asc_tf.blocks.frequency_norm:adaresnorm",
        "rfn": "asc_tf.blocks.frequency_norm:rfn",
    },
)
"""Functions (lambda_, learnable_lambda, name) to a layer, which stands where `model.norm_position` says."""

AUGMENTATIONS = Registry(
    "augmentation",
    {
        "roll": "asc_tf.augment.time_roll:ROLL",
        "drc": "asc_tf.augment.dynamic_range_compression:DRC",
        "gain": "asc_tf.augment.random_gain:GAIN",
        "mixstyle": "asc_tf.augment.freq_mixstyle:MIXSTYLE",
        "mask": "asc_tf.augment.spec_augment:MASK",
        "mixup": "asc_tf.augment.mixup:MIXUP",
    },
)
"""`asc_tf.augment.augmentation.Augmentation`s, or functions (features, labels, seed, **settings) to (features,
labels)."""

LAYOUTS = Registry("layout", {})
"""`asc_tf.data.layouts.Layout`s of data sets beside TAU's."""

_REGISTRIES = {registry.kind: registry for registry in (NETWORKS, NORMALIZATIONS, AUGMENTATIONS, LAYOUTS)}


def register(kind: str, name: str, thing: object = None) -> object:
    """Register a network, normalization, augmentation or layout under a name, for this process.

    Commands of the command line run in separate processes: for these use an entry point of an installed package.

    Args:
        kind: "network", "normalization", "augmentation" or "layout".
        name: made of small letters, digits, - and _.
        thing: an object as the kind's registry above describes; without it this is a decorator of a function.

    Returns:
        The thing.

    Raises:
        AscError: no such kind, or the name is already used.

    Examples:
        >>> import asc_tf
        >>> @asc_tf.register("augmentation", "mute-half")
        ... def mute_half(features, labels, seed):
        ...     return features * [[[[1.0]]], [[[0.0]]]], labels
        >>> "mute-half" in asc_tf.extensions.AUGMENTATIONS
        True
    """
    if kind not in _REGISTRIES:
        raise AscError(f"register: '{kind}' is no kind of extension; {nearest(kind, list(_REGISTRIES))}")
    if thing is None:
        return lambda function: register(kind, name, function)
    _REGISTRIES[kind].register(name, thing)
    return thing
