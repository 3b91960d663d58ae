"""What is not public of TensorFlow."""

import functools

from tensorflow.python.autograph.core import config
from tensorflow.python.data.ops import multi_device_iterator_ops

TESTED = "TensorFlow 2.16.2 and 2.21.0"

_PACKAGES = ("tf_keras", "tensorflow_model_optimization", "asc_tf.layers", "asc_tf.frontend")


def spare_autograph():
    """Keep AutoGraph from converting tf_keras, TF Model Optimization and our own layers.

    TensorFlow's list of packages that AutoGraph leaves alone names `keras` and not `tf_keras`, which is the same code
    under another name: the first `fit` of a network would spend most of its start-up rewriting functions that need no
    rewriting. Nor do our layers and frontends, or TF Model Optimization's wrappers, which name TensorFlow's control
    flow themselves. There is no public switch for the list.
    """
    known = {str(rule) for rule in config.CONVERSION_RULES}
    rules = [rule for rule in map(config.DoNotConvert, _PACKAGES) if str(rule) not in known]
    config.CONVERSION_RULES = (*rules, *config.CONVERSION_RULES)


def change_device_data(change):
    """Have `change` applied to every data set that a `tf.distribute.Strategy` makes for one of its devices.

    Nobody can set the options of these data sets otherwise. The first call counts.

    Args:
        change: function of a `tf.data.Dataset` to another of the same elements.
    """
    make = multi_device_iterator_ops._create_device_dataset
    if hasattr(make, "__wrapped__"):
        return

    @functools.wraps(make)
    def make_and_change(*arguments, **named):
        return change(make(*arguments, **named))

    multi_device_iterator_ops._create_device_dataset = make_and_change


def replica_spec(spec):
    """The specification of the first replica's part of distributed data; that of a tensor stays as it is.

    The class of the specification of several parts has no public name and hands them out nowhere.
    """
    return getattr(spec, "_value_specs", [spec])[0]
