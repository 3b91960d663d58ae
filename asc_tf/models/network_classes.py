"""The classes that a network read from a file may be made of."""

import tf_keras as keras

from asc_tf import layers
from asc_tf.extensions import NETWORKS, NORMALIZATIONS
from asc_tf.frontend.kaldi_log_mel import KaldiLogMel
from asc_tf.frontend.log_mel import LogMel
from asc_tf.frontend.mel_spectrogram import MelSpectrogram
from asc_tf.frontend.pcen import Pcen
from asc_tf.internals.tf_keras import FUNCTIONAL

_OURS = {
    keras.saving.get_registered_name(each)
    for each in (
        *(getattr(layers, name) for name in layers.__all__),
        *(KaldiLogMel, LogMel, MelSpectrogram, Pcen),
    )
}
# Those that compute with numbers alone. A Lambda runs what the file says, a StringLookup reads the file that it names.
_KERAS = {
    "keras": "Sequential",
    "keras.layers": """
        Activation Add AdditiveAttention Attention Average AveragePooling1D AveragePooling2D BatchNormalization
        Bidirectional Concatenate Conv1D Conv1DTranspose Conv2D Conv2DTranspose Cropping1D Cropping2D Dense
        DepthwiseConv1D DepthwiseConv2D Dot Dropout ELU EinsumDense Flatten GRU GRUCell GaussianDropout GaussianNoise
        GlobalAveragePooling1D GlobalAveragePooling2D GlobalMaxPooling1D GlobalMaxPooling2D GroupNormalization Identity
        InputLayer LSTM LSTMCell LayerNormalization LeakyReLU Masking MaxPooling1D MaxPooling2D Maximum Minimum
        MultiHeadAttention Multiply Normalization PReLU Permute RNN ReLU RepeatVector Rescaling Reshape SeparableConv1D
        SeparableConv2D SimpleRNN SimpleRNNCell Softmax SpatialDropout1D SpatialDropout2D StackedRNNCells Subtract
        ThresholdedReLU TimeDistributed UnitNormalization UpSampling1D UpSampling2D ZeroPadding1D ZeroPadding2D""",
    "keras.initializers": """
        Constant GlorotNormal GlorotUniform HeNormal HeUniform Identity LecunNormal LecunUniform Ones Orthogonal
        RandomNormal RandomUniform TruncatedNormal VarianceScaling Zeros""",
    "keras.regularizers": "L1 L1L2 L2 OrthogonalRegularizer",
    "keras.constraints": "MaxNorm MinMaxNorm NonNeg RadialConstraint UnitNorm",
    "keras.mixed_precision": "Policy",
}
_THEIRS = {(module, name) for module, names in _KERAS.items() for name in names.split()}


def unknown_class(config):
    """The first class that a network's configuration names and that is none of those known here, or None.

    Keras imports whatever module a configuration names, and a function is named as a class is; so each object at any
    depth has to be one of a list.

    Args:
        config: what JSON made of `config.json` in a .keras file.

    Returns:
        "NAME of MODULE", for an error.
    """
    left = [config]
    while left:
        value = left.pop()
        if isinstance(value, dict):
            if "class_name" in value and not _is_known(value):
                return f"{value['class_name']} of {value.get('module')}"[:200]
            left += value.values()
        elif isinstance(value, list):
            left += value
    return None


def _is_known(value):
    module, name, registered = (value.get(key) for key in ("module", "class_name", "registered_name"))
    if not (isinstance(module, str) and isinstance(name, str)):
        return False
    if registered in (None, name):
        return (module, name) in _THEIRS or (module, name) == FUNCTIONAL
    # Keras takes what is registered by that name, whatever stands beside it.
    return isinstance(registered, str) and (registered in _OURS or _is_of_an_extension(registered))


def _is_of_an_extension(registered):
    """Whether it is a layer of a package, or notebook, that has added a network or normalization to this one."""
    layer = keras.saving.get_registered_object(registered)
    is_layer = isinstance(layer, type) and issubclass(layer, keras.layers.Layer)
    packages = (NETWORKS.packages | NORMALIZATIONS.packages) - {"", "asc_tf"}
    return is_layer and layer.__module__.partition(".")[0] in packages
