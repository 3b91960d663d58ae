"""Import this to spare AutoGraph the conversion of tf_keras, of TF Model Optimization and of our own layers.

TensorFlow's list of packages that AutoGraph leaves alone names `keras` and not `tf_keras`, which is the same code under
another name: the first `fit` of a network spends most of its start-up rewriting functions that need no rewriting. Nor
do our layers and frontends, or TF Model Optimization's wrappers, which name TensorFlow's control flow themselves.
TensorFlow has no public switch for the list.
"""

from tensorflow.python.autograph.core import config

_PACKAGES = ("tf_keras", "tensorflow_model_optimization", "asc_tf.layers", "asc_tf.frontend")
_RULES = [config.DoNotConvert(name) for name in _PACKAGES]
_KNOWN = {str(rule) for rule in config.CONVERSION_RULES}
config.CONVERSION_RULES = (*(rule for rule in _RULES if str(rule) not in _KNOWN), *config.CONVERSION_RULES)
