"""Normalization of frequency bins by the clip's own statistics, of the kind chosen in the settings."""

from asc_tf.extensions import NORMALIZATIONS
from asc_tf.layers import (
    AdaptiveResidualNormalization,
    RelaxedInstanceFrequencyNormalization,
    ResidualNormalization,
)


def frequency_norm(x, norm="resnorm", lambda_=0.1, learnable_lambda=False, name="input"):
    """Residual Normalization, or the normalization chosen in place of it.

    Args:
        x: [batch, frequency, time, channel].
        norm: "resnorm", `ResidualNormalization`; "rfn", `RelaxedInstanceFrequencyNormalization` of its authors' later
            work; "adaresnorm", `AdaptiveResidualNormalization`; or the name of a registered one (`asc_tf.register`).
        lambda_: of the first two, where 0 makes FreqIN; the third starts from it. The papers' values are 0.1, 0.5 and
            0.5.
        learnable_lambda: of `ResidualNormalization` alone.
        name: prefix; the layer is called NAME_NORM.

    Returns:
        Of the shape of `x`.

    Raises:
        ValueError: `norm` unknown, or arguments that its layer refuses.
    """
    if norm not in NORMALIZATIONS:
        raise ValueError(f"norm is '{norm}'; expected one of {', '.join(NORMALIZATIONS)}")
    return NORMALIZATIONS[norm](lambda_, learnable_lambda, name=f"{name}_{norm}")(x)


def resnorm(lambda_, learnable_lambda, name):
    """`ResidualNormalization`."""
    return ResidualNormalization(lambda_, learnable_lambda, name=name)


def adaresnorm(lambda_, learnable_lambda, name):
    """`AdaptiveResidualNormalization`, whose weights are always trained: lambda is what they start from."""
    if learnable_lambda:
        raise ValueError(f"learnable_lambda is '{learnable_lambda}'; expected none where norm is 'adaresnorm'")
    return AdaptiveResidualNormalization(lambda_, name=name)


def rfn(lambda_, learnable_lambda, name):
    """`RelaxedInstanceFrequencyNormalization`, whose lambda is not trained."""
    if learnable_lambda:
        raise ValueError(f"learnable_lambda is '{learnable_lambda}'; expected none where norm is 'rfn'")
    return RelaxedInstanceFrequencyNormalization(lambda_, name=name)
