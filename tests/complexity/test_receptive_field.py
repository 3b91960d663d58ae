import pytest
import tf_keras as keras

from asc_tf.complexity.keras_account import keras_account
from asc_tf.layers import FrequencyAveragePooling
from asc_tf.models import bc_resnet_asc

layers = keras.layers


def field_of(*stack, shape=(64, 64, 2)):
    inputs = x = keras.Input(shape)
    for layer in stack:
        x = layer(x)
    return keras_account(keras.Model(inputs, x)).receptive_field


def both(field):
    return {"convolutions": field, "with pooling": field}


@pytest.mark.parametrize(("frames", "norm_position"), [(334, "all"), (32, "none")])
def test_bc_resnet_asc_has_the_papers_field(frames, norm_position):
    """With residual normalizations or without them, and no less in a clip that is shorter than the field."""
    field = keras_account(bc_resnet_asc((256, frames, 1), width=4, norm_position=norm_position)).receptive_field
    assert field == {"convolutions": (109, 109), "with pooling": (115, 115)}


@pytest.mark.parametrize(
    ("stack", "field"),
    [
        ([layers.Conv2D(1, (5, 3))], both((5, 3))),
        ([layers.Conv2D(1, 3), layers.DepthwiseConv2D((1, 3))], both((3, 5))),
        ([layers.Conv2D(1, 3, dilation_rate=(1, 4))], both((3, 9))),
        ([layers.Conv2D(1, 3, strides=2, padding="same"), layers.Conv2D(1, 3)], both((7, 7))),
        (
            [layers.Conv2D(1, 3), layers.MaxPooling2D((2, 4)), layers.Conv2D(1, 3)],
            {"convolutions": (7, 11), "with pooling": (8, 14)},
        ),
        ([layers.UpSampling2D(2), layers.Conv2D(1, 3)], both((2, 2))),
        ([layers.Conv2DTranspose(1, 4, strides=2), layers.Conv2D(1, 3, strides=2)], both((3, 3))),
    ],
)
def test_windows_strides_and_dilation_add_up(stack, field):
    assert field_of(*stack) == field


def test_a_branch_that_sees_less_leaves_the_field_as_it_is():
    inputs = keras.Input((32, 32, 4))
    x = layers.Conv2D(4, 3, padding="same")(inputs)
    branch = layers.Conv2D(4, (1, 5), padding="same")(FrequencyAveragePooling()(x))
    model = keras.Model(inputs, layers.Add()([x, branch, inputs]))
    assert keras_account(model).receptive_field == both((3, 7))


def test_branches_that_look_to_different_sides_see_both():
    inputs = keras.Input((8, 32, 1))
    padded = [layers.ZeroPadding2D(((0, 0), sides))(inputs) for sides in ((4, 0), (0, 4))]
    model = keras.Model(inputs, layers.Add()([layers.Conv2D(1, (1, 5))(x) for x in padded]))
    assert keras_account(model).receptive_field == both((1, 9))


def test_a_network_without_maps_has_no_field():
    inputs = keras.Input((16,))
    assert keras_account(keras.Model(inputs, layers.Dense(2)(inputs))).receptive_field is None
