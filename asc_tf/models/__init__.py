"""Networks: functions that build a flat functional Keras model from plain keyword arguments."""

from dataclasses import dataclass, field

from asc_tf.extensions import NETWORKS
from asc_tf.models.bc_res2net import bc_res2net
from asc_tf.models.bc_resnet import bc_resnet
from asc_tf.models.bc_resnet_asc import bc_resnet_asc
from asc_tf.models.cp_mobile import cp_mobile
from asc_tf.models.cp_resnet import cp_resnet
from asc_tf.models.ensemble import ensemble


@dataclass(frozen=True)
class NamedNetwork:
    """A network of a paper: which one of NETWORKS, with which arguments, on how many seconds and frames of input."""

    network: str
    source: str
    seconds: float = 10.0
    frames: int = 334
    arguments: dict = field(default_factory=dict)

    def build(self):
        """The untrained model, for 256 mel bins and ten scenes."""
        return NETWORKS[self.network](input_shape=(256, self.frames, 1), classes=10, **self.arguments)


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
}

__all__ = [
    "NAMED_NETWORKS",
    "NETWORKS",
    "bc_res2net",
    "bc_resnet",
    "bc_resnet_asc",
    "cp_mobile",
    "cp_resnet",
    "ensemble",
]
