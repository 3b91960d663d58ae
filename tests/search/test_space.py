import pytest

from asc_tf.errors import AscError
from asc_tf.experiment.sections import ModelConfig
from asc_tf.experiment.settings import Config
from asc_tf.search.space import DIMENSIONS, Space

RES2NET = Config(model=ModelConfig(network="bc-res2net"))


def test_values_become_settings():
    space = Space("lambda,width,depth,dropout,learning_rate,norm_position,subbands", Config())
    values = {"lambda": 0.25, "width": 12, "depth": "1-1-2-2", "dropout": 0.1, "learning_rate": 0.0123456,
              "norm_position": "input", "subbands": "2", "tuner/epochs": 3}  # fmt: skip
    config = space.configured(values)
    assert (config.model.lambda_, config.model.width, config.model.depth) == (0.25, 12, (1, 1, 2, 2))
    assert (config.model.norm_position, config.model.sub_bands) == ("input", 2)
    assert config.train.learning_rate == 0.01235  # four digits, as the recipe of the winner shows it


def test_ranges_and_choices_of_ones_own():
    space = Space("width=4:8,norm_position=input|all", Config())
    assert space.combinations() == ([{"norm_position": "input"}, {"norm_position": "all"}], [4, 6, 8])
    drawn = {hp.name: {hp.random_sample(seed) for seed in range(50)} for hp in space.hyperparameters().space}
    assert drawn == {"width": {4, 6, 8}, "norm_position": {"input", "all"}}


def test_a_search_with_and_without_norms_trains_both():
    space = Space("norm_position=none|all", Config())
    assert [space.configured({"norm_position": name}).model.norm_position for name in ("none", "all")] == [
        "none",
        "all",
    ]


def test_dimensions_lie_within_their_settings():
    """What a search tries unless it is told otherwise, each end and choice, is a value that --set accepts."""
    for name, dimension in DIMENSIONS.items():
        config = RES2NET if name == "scale" else Config()
        for value in dimension.choices or (dimension.low, dimension.high):
            config.with_settings([dimension.setting(value)])


def test_a_fixed_width_is_one_structure():
    assert Space("lambda,dropout", Config()).combinations() == ([{}], [None])


@pytest.mark.parametrize(("text", "widths"), [("width", [8, 16, 24]), ("width=4:20", [8, 16])])
def test_widths_of_bc_res2net_divide_into_sub_maps(text, widths):
    assert Space(text, RES2NET).combinations()[1][: len(widths)] == widths


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("lamda", "--space lamda: cannot be searched; did you mean 'lambda'?"),
        ("width,width", "--space width: is named twice"),
        ("width=40:4", "--space width=40:4: expected a range of two whole numbers, the lower first"),
        ("width=4", "expected a range of two whole numbers"),
        ("width=4.5:8", "expected a range of two whole numbers"),
        ("lambda=0:x", "expected a range of two numbers"),
        ("width=5:9", "--space width: 5 cannot be used (setting model.width is 5; expected an even number"),
        (
            "lambda=0:inf",
            "--space lambda: inf cannot be used (setting model.lambda_ is inf; expected a value from 0 to",
        ),
        ("lambda=nan:1", "expected a range of two numbers"),
        (f"width=4:{'9' * 24}", "cannot be used (setting model.width is 999999999999999999999999; expected a value"),
        (f"width=4:{'9' * 5000}", "expected a range of two whole numbers"),
        ("learning_rate=0.01:1e9", "cannot be used (setting train.learning_rate is 1000000000.0; expected a value"),
        ("depth=1-1-1-1|1-1-1-100000", "--space depth: 1-1-1-100000 cannot be used (setting model.depth"),
        ("depth=", "--space depth:  cannot be used (--set model.depth=: expected a whole number"),
        ("norm_position=input|input", "--space norm_position=input|input: a choice is given twice"),
        ("", "--space : cannot be searched; expected one of width, norm_position, lambda, "),
        ("lambda=-1:1", "--space lambda: -1.0 cannot be used"),
        ("norm_position=input|middle", "--space norm_position: middle cannot be used"),
        ("scale", "--space scale: the network bc-resnet-asc has no scale; bc-res2net has"),
    ],
)
def test_what_is_no_space_is_refused(text, message):
    with pytest.raises(AscError) as caught:
        Space(text, Config())
    assert message in str(caught.value)
