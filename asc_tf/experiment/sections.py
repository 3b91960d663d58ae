"""Settings of the model and its data: the sections frontend, data, model and augment, and their presets.

Each setting is defined here once, see `asc_tf.experiment.setting`. Upper bounds lie far above the papers' values, but
low enough that a mistyped value does not ask for all of a machine's memory.
"""

from dataclasses import dataclass
from typing import Annotated, Literal

from asc_tf.experiment.setting import Searched, Setting
from asc_tf.extensions import NETWORKS, NORMALIZATIONS


@dataclass(frozen=True)
class FrontendConfig:
    """From waveform to features: arguments of `LogMel`, `KaldiLogMel` or `Pcen` of `asc_tf.frontend`."""

    sample_rate_hz: Annotated[
        int, Setting("sample rate of the audio, which is resampled to it", 1000, 768_000, "Hz")
    ] = 16000
    window_ms: Annotated[float, Setting("length of a frame's window", 1, 1000, "ms")] = 130.0
    hop_ms: Annotated[float, Setting("step from frame to frame, at most the window", 1, 1000, "ms")] = 30.0
    mel_bins: Annotated[int, Setting("mel filters", 8, 2048)] = 256
    low_hz: Annotated[float, Setting("lower edge of the lowest filter", 0, 384_000, "Hz")] = 0.0
    high_hz: Annotated[
        float | None, Setting("upper edge of the highest filter; none is half the sample rate", 1, 384_000, "Hz")
    ] = None
    floor: Annotated[
        float, Setting("power below which the logarithm is cut, or which kaldi adds; PCEN has none", 1e-30, 1)
    ] = 1e-7
    compression: Annotated[
        Literal["log", "kaldi", "pcen"],
        Setting(
            "of the mel power spectrogram: its logarithm, or per-channel energy normalization (fixed PCEN); kaldi: the"
            " logarithm behind pre-emphasis, of Kaldi's mel filters, standardized"
        ),
    ] = "log"


FRONTENDS = {
    "tau2020": FrontendConfig(),
    "tau2022": FrontendConfig(window_ms=128.0, hop_ms=32.0),
    "tau2020-pcen": FrontendConfig(compression="pcen"),
    "tau2022-pcen": FrontendConfig(window_ms=128.0, hop_ms=32.0, compression="pcen"),
    "cp-mobile": FrontendConfig(32000, 96.0, 15.625, 256, 0.0, 15500.0, 1e-5, "kaldi"),
    "tf-sepnet": FrontendConfig(32000, 96.0, 15.625, 512, 0.0, 16000.0, 1e-5, "kaldi"),
    "dcase2024": FrontendConfig(32000, 96.0, 15.625, 256, floor=1e-5),
}


@dataclass(frozen=True)
class DataConfig:
    """Which clips are trained on."""

    split: Annotated[
        str,
        Setting(
            "official: the data set's own training part; full: all its clips, the test part too, as for a submission;"
            " else a list of training clips, such as split25 for ROOT/evaluation_setup/split25.csv, or the absolute"
            " path of a .csv file"
        ),
    ] = "official"
    validation_fraction: Annotated[
        float, Setting("share of the training locations held out for validation; 0 trains on all of them", 0, 0.9)
    ] = 0.1
    clip_seconds: Annotated[
        float | None, Setting("length of a clip; none reads it off the first training clip", 0.1, 600, "s")
    ] = None
    features: Annotated[
        Literal["cache", "stream"],
        Setting("computed once and kept on disk, or computed from the audio in every epoch"),
    ] = "cache"
    translated: Annotated[
        str | None,
        Setting(
            "folder of 'asc-tf translate apply' whose clips are trained on too: in ROOT/features, or an absolute path"
        ),
    ] = None
    leave_out: Annotated[
        tuple[str, ...] | None,
        Setting("devices whose clips are neither trained nor validated on, as if they were unknown"),
    ] = None


def _argument(help, *limits, **of_setting):
    return Setting(help, *limits, **of_setting, unset="the network's own")


@dataclass(frozen=True)
class ModelConfig:
    """Which network of `asc_tf.models`, and arguments of its function; none is the function's own default.

    Shape, number of classes and the statistics of the features come from the data.
    """

    network: Annotated[
        str,
        Setting("another one begins with its own defaults", registry=NETWORKS),
    ] = "bc-resnet-asc"
    width: Annotated[
        int | None,
        _argument(
            "channels of the first stage, an even number", 2, 1024, symbol="c",
            searched=Searched("width", 4, 80, step=2, structural=True),
        ),
    ] = None  # fmt: skip
    norm_position: Annotated[
        Literal["none", "input", "stages", "all"] | None,
        _argument(
            "where Residual Normalization stands; stages: bc-res2net only",
            searched=Searched("norm_position", choices=("none", "input", "all"), structural=True),
        ),
    ] = None
    lambda_: Annotated[
        float | None, _argument("weight of its shortcut", 0, 100, symbol="λ", searched=Searched("lambda", 0.0, 1.0))
    ] = None
    learnable_lambda: Annotated[
        Literal["scalar", "bin"] | None,
        _argument("train that weight, one a module or a mel bin; none keeps it fixed"),
    ] = None
    sub_bands: Annotated[
        int | None,
        _argument(
            "of SubSpectral Normalization", 1, 2048, symbol="S",
            searched=Searched("subbands", choices=("1", "2", "4", "8"), structural=True),
        ),
    ] = None  # fmt: skip
    dropout: Annotated[
        float | None, _argument("rate of the channel dropout", 0, 0.99, searched=Searched("dropout", 0.0, 0.4))
    ] = None
    depth: Annotated[
        tuple[int, ...] | None,
        _argument(
            "blocks of each stage, such as 2,2,2,3", 0, 64,
            searched=Searched("depth", choices=("1-1-1-1", "1-1-1-2", "1-1-2-2", "2-2-2-3"), structural=True),
        ),
    ] = None  # fmt: skip
    scale: Annotated[
        int | None,
        _argument(
            "sub-maps of a block of bc-res2net", 2, 64, symbol="s",
            searched=Searched("scale", choices=("2", "4"), structural=True),
        ),
    ] = None  # fmt: skip
    mfa: Annotated[bool | None, _argument("multi-scale frequency-channel attention, of bc-res2net")] = None
    fpm: Annotated[bool | None, _argument("feature pyramid module, of bc-res2net")] = None
    rho: Annotated[int | None, _argument("3x3 kernels after the first block, of cp-resnet", 0, 22, symbol="ρ")] = None
    norm: Annotated[
        str | None,
        _argument(
            "Residual Normalization, or relaxed instance frequency-wise normalization in its place",
            registry=NORMALIZATIONS,
        ),
    ] = None
    standardization: Annotated[
        Literal["scalar", "bin"],
        Setting("by mean and deviation of all training features, or of each mel bin for itself (Global FreqNorm)"),
    ] = "scalar"


def _probability(of):
    return Setting(f"with which {of}", 0, 1)


def _alpha(of):
    # Beta(1000, 1000) is already 0.5 within 0.03: greater values change nothing.
    return Setting(f"of the Beta distribution of {of} weights; 0 leaves it out", 0, 1000, symbol="α")


@dataclass(frozen=True)
class AugmentConfig:
    """Arguments of `asc_tf.augment.augment_batch`; 0 leaves a method out."""

    impulse_responses: Annotated[
        str | None, Setting("folder of microphones' impulse responses to train through; needs data.features=stream")
    ] = None
    impulse_response_probability: Annotated[float, _probability("a clip goes through one")] = 0.4
    gain_db: Annotated[float, Setting("largest random gain, up or down; 0 leaves it out", 0, 120, "dB")] = 0.0
    gain_probability: Annotated[float, _probability("a clip gets one")] = 1.0
    drc_ratio: Annotated[float, Setting("largest ratio of dynamic range compression; 1 leaves it out", 1, 100)] = 1.0
    drc_probability: Annotated[float, _probability("a clip is compressed")] = 0.4
    roll_seconds: Annotated[float, Setting("largest roll along time; 0 leaves it out", 0, 600, "s")] = 1.5
    roll_probability: Annotated[float, _probability("a clip is rolled")] = 1.0
    mixup_alpha: Annotated[float, _alpha("mixup's")] = 0.3
    mixstyle_alpha: Annotated[float, _alpha("Freq-MixStyle's")] = 0.0
    mixstyle_probability: Annotated[float, _probability("a batch's styles are mixed")] = 0.4
    frequency_mask_bins: Annotated[
        int, Setting("widest band that SpecAugment masks; 0 leaves it out", 0, 2048, "bins")
    ] = 0
    frequency_masks: Annotated[int, Setting("bands that it masks in a clip", 0, 100)] = 2
    time_mask_frames: Annotated[
        int, Setting("longest stretch that SpecAugment masks; 0 leaves it out", 0, 100_000, "frames")
    ] = 0
    time_masks: Annotated[int, Setting("stretches that it masks in a clip", 0, 100)] = 2
    mask_probability: Annotated[float, _probability("each mask is laid")] = 1.0


AUGMENTATIONS = {
    "qti-small": AugmentConfig(),
    "qti-large": AugmentConfig(frequency_mask_bins=40, time_mask_frames=80),
    "hyu": AugmentConfig(
        roll_seconds=0.5, roll_probability=0.8, frequency_mask_bins=40, time_mask_frames=4, mask_probability=0.8
    ),
    "cp-mobile": AugmentConfig(
        roll_seconds=0.125,
        mixup_alpha=0.0,
        mixstyle_alpha=0.3,
        frequency_mask_bins=48,
        frequency_masks=1,
        impulse_response_probability=0.6,
    ),
    "tf-sepnet": AugmentConfig(roll_seconds=0.0, mixstyle_alpha=0.4, mixstyle_probability=0.8),
    "dcase2024": AugmentConfig(
        roll_seconds=0.1, mixup_alpha=0.0, mixstyle_alpha=0.3, frequency_mask_bins=48, frequency_masks=1
    ),
    "robust": AugmentConfig(drc_ratio=5.0, drc_probability=0.6, mixstyle_alpha=0.3),
}
"""The papers' presets by name; `robust` is ours: qti-small for microphones that training does not hear.

`robust` was chosen on another fold of ESC-10 Mobile than that of the README's tables.
"""
