"""What asc_tf.internals.tensorflow does with names that are not public."""

import tensorflow as tf
from tensorflow.python.autograph.core import config
from tensorflow.python.data.ops import multi_device_iterator_ops
from tensorflow.python.distribute.values import PerReplicaSpec

from asc_tf.internals.tensorflow import change_device_data, replica_spec, spare_autograph, with_constants

VERSION = f"TensorFlow {tf.__version__}"


def test_autograph_leaves_the_layers_alone_and_each_rule_stands_once():
    spare_autograph()
    spare_autograph()
    rules = [str(rule) for rule in config.CONVERSION_RULES]
    for package in ("tf_keras", "tensorflow_model_optimization", "asc_tf.layers", "asc_tf.frontend"):
        found = rules.count(str(config.DoNotConvert(package)))
        assert found == 1, f"{VERSION}: AutoGraph has {found} rules for {package}, expected one"


def test_data_of_each_device_can_be_changed(monkeypatch):
    monkeypatch.setattr(multi_device_iterator_ops, "_create_device_dataset", lambda data: data)
    change_device_data(lambda data: [*data, "changed"])
    change_device_data(lambda data: [*data, "again"])
    assert multi_device_iterator_ops._create_device_dataset(["made"]) == ["made", "changed"]


def test_the_specification_of_one_replica_is_found_in_that_of_several():
    spec = tf.TensorSpec((4,), tf.float32)
    assert replica_spec(spec) is spec
    strategy = tf.distribute.MirroredStrategy(["/cpu:0"])
    data = strategy.experimental_distribute_dataset(tf.data.Dataset.from_tensor_slices([1.0, 2.0]).batch(2))
    assert replica_spec(data.element_spec).dtype == tf.float32

    several = PerReplicaSpec(spec, spec)
    assert hasattr(several, "_value_specs"), f"{VERSION}: specifications of several replicas do not list their parts"
    assert replica_spec(several) == spec


def test_constants_take_the_place_of_variables():
    variable = tf.Variable(3.0)
    function = tf.function(lambda x: tf.while_loop(lambda x: x < 100, lambda x: (variable * x,), [x])[0])
    constant = with_constants(function.get_concrete_function(tf.TensorSpec(())))
    variable.assign(0.5)
    assert not constant.variables and not constant.captured_inputs, f"{VERSION}: variables are left"
    (found,) = tf.nest.flatten(constant(tf.constant(5.0)))
    assert float(found) == 135
