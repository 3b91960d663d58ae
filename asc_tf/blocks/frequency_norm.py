"""Normalization of frequency bins by the clip's own statistics, of the kind that the settings name."""

from asc_tf.layers import RelaxedInstanceFrequencyNormalization, ResidualNormalization

NORMS = ("resnorm", "rfn")


def frequency_norm(x, norm="resnorm", lambda_=0.1, learnable_lambda=False, name="input"):
    """Residual Normalization, or the relaxed instance frequency-wise normalization of its authors' later work.

    Args:
        x: [batch, frequency, time, channel].
        norm: "resnorm", `ResidualNormalization`; "rfn", `RelaxedInstanceFrequencyNormalization`.
        lambda_: of either; 0 makes both FreqIN. The papers' values are 0.1 and 0.5.
        learnable_lambda: of `ResidualNormalization` alone.
        name: of the place; the layer is called NAME_resnorm or NAME_rfn.

    Returns:
        Of the shape of `x`.

    Raises:
        ValueError: `norm` unknown, or what its layer refuses.
    """
    if norm not in NORMS:
        raise ValueError(f"norm is '{norm}'; expected one of {', '.join(NORMS)}")
    if norm == "resnorm":
        return ResidualNormalization(lambda_, learnable_lambda, name=f"{name}_resnorm")(x)
    if learnable_lambda:
        raise ValueError(f"learnable_lambda is '{learnable_lambda}'; expected none where norm is 'rfn'")
    return RelaxedInstanceFrequencyNormalization(lambda_, name=f"{name}_rfn")(x)
