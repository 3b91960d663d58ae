"""Import this to spare AutoGraph the conversion of tf_keras.

TensorFlow's list of packages that AutoGraph leaves alone names `keras` and not `tf_keras`, which is the same code under
another name: the first `fit` of a network spends most of its start-up rewriting functions that need no rewriting.
TensorFlow has no public switch for the list.
"""

from tensorflow.python.autograph.core import config

_RULE = config.DoNotConvert("tf_keras")
if not any(str(rule) == str(_RULE) for rule in config.CONVERSION_RULES):
    config.CONVERSION_RULES = (_RULE, *config.CONVERSION_RULES)
