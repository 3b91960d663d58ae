"""Several networks as one."""

from collections.abc import Sequence

import tf_keras as keras

from asc_tf.layers import LogMeanProbability

AVERAGES = ("probabilities", "logits")


def ensemble(models: Sequence[keras.Model], average: str = "probabilities", name: str = "ensemble") -> keras.Model:
    """Join networks of the same input into one flat functional model that averages what they give.

    Layers keep their names behind "m1_", "m2_" and so on; the members stay as they are. The result saves, counts,
    converts and compresses as any network does.

    Args:
        models: functional models of features [batch, frequency, time, 1] to logits [batch, classes].
        average: "probabilities" or "logits".
        name: of the model.

    Returns:
        `keras.Model` of features to logits, whose softmax is the averaged probabilities, or that of the averaged
        logits.

    Raises:
        ValueError: `average` unknown, fewer than two models, or other inputs or numbers of classes.

    Reference: Kim et al., QTI's technical report, table 3: ensembles of two. Difference: it does not say what is
    averaged.
    """
    if average not in AVERAGES:
        raise ValueError(f"average is '{average}'; expected one of {', '.join(AVERAGES)}")
    if len(models) < 2:
        raise ValueError(f"an ensemble of {len(models)} was asked for; expected 2 networks or more")
    shapes = {(model.input_shape[1:], model.output_shape[1:]) for model in models}
    if len(shapes) > 1:
        raise ValueError(f"the networks have inputs and outputs {sorted(shapes)}; expected the same of all")
    inputs = keras.Input(models[0].input_shape[1:], name="features")
    logits = [_member(model, inputs, f"m{number}_") for number, model in enumerate(models, start=1)]
    join = keras.layers.Average if average == "logits" else LogMeanProbability
    return keras.Model(inputs, join(name="logits")(logits), name=name)


def _member(model, inputs, prefix):
    """Outputs of a copy of a model on other inputs."""

    def renamed(layer):
        return type(layer).from_config({**layer.get_config(), "name": prefix + layer.name})

    copy = keras.models.clone_model(model, input_tensors=inputs, clone_function=renamed)
    for layer in model.layers:
        if layer.weights:
            copy.get_layer(prefix + layer.name).set_weights(layer.get_weights())
    return copy.output
