"""Names of TensorFlow that are not public, and what is done with them."""

import functools

import tensorflow as tf
from tensorflow.python.autograph.core import config
from tensorflow.python.data.ops import multi_device_iterator_ops
from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

TESTED = "TensorFlow 2.16.2 and 2.21.0"

_PACKAGES = ("tf_keras", "tensorflow_model_optimization", "asc_tf.layers", "asc_tf.frontend")


def spare_autograph():
    """Keep AutoGraph from converting tf_keras, TF Model Optimization and our own layers.

    TensorFlow's list of packages that AutoGraph skips names `keras` but not `tf_keras`, the same code under another
    name: the first `fit` of a network would spend most of its start-up rewriting functions that need no rewriting. Our
    layers and frontends need none either, nor do TF Model Optimization's wrappers, since they call TensorFlow's control
    flow themselves. The list has no public switch.
    """
    known = {str(rule) for rule in config.CONVERSION_RULES}
    rules = [rule for rule in map(config.DoNotConvert, _PACKAGES) if str(rule) not in known]
    config.CONVERSION_RULES = (*rules, *config.CONVERSION_RULES)


def change_device_data(change):
    """Apply `change` to every data set that a `tf.distribute.Strategy` makes for one of its devices.

    There is no other way to set the options of these data sets. Only the first call has an effect.

    Args:
        change: function from a `tf.data.Dataset` to another of the same elements.
    """
    make = multi_device_iterator_ops._create_device_dataset
    if hasattr(make, "__wrapped__"):
        return

    @functools.wraps(make)
    def make_and_change(*arguments, **named):
        return change(make(*arguments, **named))

    multi_device_iterator_ops._create_device_dataset = make_and_change


def untuned(batches):
    """Return a `tf.data.Dataset` without tf.data's tuning thread.

    With it, closing the pipeline at the end of a `fit` or a validation takes up to as long again as reading it.
    """
    options = tf.data.Options()
    options.autotune.enabled = False
    return batches.with_options(options)


def replica_spec(spec):
    """The specification of the first replica's part of distributed data; a tensor's is returned unchanged.

    The class for several parts has no public name and does not expose their specifications.
    """
    return getattr(spec, "_value_specs", [spec])[0]


def with_constants(function):
    """A concrete function that has the values of its variables as constants; control flow stays as it is.

    The public function of this name is of TensorFlow 1's graphs alone.
    """
    return convert_variables_to_constants_v2(function, lower_control_flow=False) if function.variables else function
