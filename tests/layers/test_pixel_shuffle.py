import numpy as np
import pytest
import tf_keras as keras
from ai_edge_litert import schema_py_generated as schema
from layer_checks import check_layer
from model_checks import converted

from asc_tf.layers import PixelShuffle


@pytest.mark.parametrize("factor", [2, 3])
def test_output_is_the_formula(factor):
    features = np.random.default_rng(0).normal(size=(2, 3, 4, 5 * factor**2)).astype(np.float32)
    outputs = PixelShuffle(factor)(features).numpy()
    assert outputs.shape == (2, 3 * factor, 4 * factor, 5)
    for f, t in np.ndindex(3 * factor, 4 * factor):
        first = ((f % factor) * factor + t % factor) * 5
        np.testing.assert_array_equal(outputs[:, f, t], features[:, f // factor, t // factor, first : first + 5])


def test_layer_contract(tmp_path):
    check_layer(PixelShuffle(2), (8, 10, 8), tmp_path)


def test_in_a_file_it_is_one_operator():
    inputs = keras.Input((3, 4, 8))
    content = converted(keras.Model(inputs, PixelShuffle(2)(inputs)))
    model = schema.ModelT.InitFromObj(schema.Model.GetRootAs(content, 0))
    assert [code.builtinCode for code in model.operatorCodes] == [schema.BuiltinOperator.DEPTH_TO_SPACE]


def test_factor_1_is_refused():
    with pytest.raises(ValueError, match="factor is 1; expected 2 or more"):
        PixelShuffle(1)


def test_channels_that_do_not_divide_are_refused():
    with pytest.raises(ValueError, match="'odd' got 6 channels; expected a multiple of factor squared = 4"):
        PixelShuffle(2, name="odd")(np.zeros((1, 2, 2, 6), np.float32))
