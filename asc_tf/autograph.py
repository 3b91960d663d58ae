"""Import this to spare AutoGraph the conversion of tf_keras and of our own layers.

TensorFlow's list of packages that AutoGraph leaves alone names `keras` and not `tf_keras`, which is the same code under
another name: the first `fit` of a network spends most of its start-up rewriting functions that need no rewriting.
Our layers and frontends name TensorFlow's control flow themselves. TensorFlow has no public switch for the list.
"""

from tensorflow.python.autograph.core import config

_RULES = [config.DoNotConvert(name) for name in ("tf_keras", "asc_tf.layers", "asc_tf.frontend")]
_KNOWN = {str(rule) for rule in config.CONVERSION_RULES}
config.CONVERSION_RULES = (*(rule for rule in _RULES if str(rule) not in _KNOWN), *config.CONVERSION_RULES)
