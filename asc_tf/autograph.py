"""Import this to spare AutoGraph the conversion of tf_keras and of TF Model Optimization.

TensorFlow's list of packages that AutoGraph leaves alone names `keras` and not `tf_keras`, which is the same code under
another name: the first `fit` of a network spends most of its start-up rewriting functions that need no rewriting. Nor
do TF Model Optimization's wrappers, which branch with `tf.cond`. TensorFlow has no public switch for the list.
"""

from tensorflow.python.autograph.core import config

for _package in ("tf_keras", "tensorflow_model_optimization"):
    _rule = config.DoNotConvert(_package)
    if not any(str(rule) == str(_rule) for rule in config.CONVERSION_RULES):
        config.CONVERSION_RULES = (_rule, *config.CONVERSION_RULES)
