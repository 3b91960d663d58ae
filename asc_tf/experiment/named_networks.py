"""The networks of the papers by name, for `asc-tf models`. Needs no TensorFlow."""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class NamedNetwork:
    """A network of a paper: one of `asc_tf.models.NETWORKS`, its arguments, and the size of its input."""

    network: str
    source: str
    seconds: float = 10.0
    frames: int = 334
    arguments: dict = field(default_factory=dict)
    mel_bins: int = 256


_QTI = "Kim et al., DCASE Workshop 2021"
_HYU = "Lee et al., DCASE Workshop 2022"


def _short(source, **arguments):
    return NamedNetwork("bc-res2net", source, 1.0, 32, arguments)


NAMED_NETWORKS = {
    "bc-resnet-asc-1": NamedNetwork("bc-resnet-asc", _QTI, arguments={"width": 10}),
    "bc-resnet-asc-8": NamedNetwork("bc-resnet-asc", _QTI, arguments={"width": 80}),
    "bc-resnet-8": NamedNetwork("bc-resnet", "Kim et al., Interspeech 2021", arguments={"width": 64}),
    "cp-resnet": NamedNetwork("cp-resnet", "Koutini et al., EUSIPCO 2019"),
    "bc-resnet-40": NamedNetwork("bc-resnet-asc", _HYU, 1.0, 32, {"width": 40}),
    "bc-res2net-40": _short(_HYU),
    "bc-res2net-40-mfa": _short(_HYU, mfa=True),
    "bc-res2net-40-fpm": _short(_HYU, fpm=True),
    "bc-res2net-40-mfa-fpm": _short(_HYU, mfa=True, fpm=True),
    "cp-mobile": NamedNetwork("cp-mobile", "Schmid et al., DCASE 2024 baseline", 1.0, 65),
    "cp-mobile-2023": NamedNetwork("cp-mobile-2023", "Schmid et al., DCASE Workshop 2023", 1.0, 64),
    "tf-sepnet-64": NamedNetwork("tf-sepnet", "Cai et al., ICASSP 2024", 1.0, 64, mel_bins=512),
}
PUBLIC_RECIPES = {"cp-mobile-2023": "cp-mobile-2023", "tf-sepnet": "tf-sepnet-64"}
"""recipe of each network whose public checkpoints `asc-tf import` reads; their tensors are in
`asc_tf.models.public_checkpoints`"""
