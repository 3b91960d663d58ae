"""Settings outside an experiment: of a compression, of a device translator, of a search.

Their fields are also flags of `asc-tf compress`, `asc-tf translate train` and `asc-tf search`.
"""

from dataclasses import dataclass
from typing import Annotated, Literal

from tyro.conf import arg

from asc_tf.experiment.setting import Setting
from asc_tf.experiment.training_sections import Seed


@dataclass(frozen=True)
class Compression:
    """What to do to a network."""

    # A kernel keeps a floor of its weights, see `asc_tf.compression.pruning`: more cannot be pruned.
    prune: Annotated[float, Setting("share of the kernels' weights to prune; 0 prunes none", 0, 0.999)] = 0.89
    weights: Annotated[
        Literal["int8", "fp16"], Setting("kernels in 8 bits, trained so, or in half precision as all else")
    ] = "int8"
    activations: Annotated[Literal["float", "int8"], Setting("train for feature maps of 8 bits too")] = "float"
    teacher: Annotated[str | None, Setting("run of the network to learn from; the uncompressed one if not given")] = (
        None
    )
    epochs: Annotated[
        int | None,
        Setting(
            "of the training after pruning; a quarter of them follows with rounded kernels; the run's if not given",
            1, 100_000,
        ),
    ] = None  # fmt: skip
    schedule: Annotated[
        Literal["one-shot", "gradual"],
        Setting("prune at once and train on, or more and more in the first half of that training"),
    ] = "one-shot"
    scope: Annotated[
        Literal["connected", "global", "layer"],
        Setting(
            "which weights are pruned at once: the smallest that lie on a path from input to output, the smallest of"
            " all, or the same share of each kernel"
        ),
    ] = "connected"


@dataclass(frozen=True)
class Translation:
    """From which device to which others, and how the translator is trained: the defaults are pix2pix's and QTI's.

    QTI's report names the residual blocks, the sub-bands and, for the training, the settings of pix2pix. Epochs,
    lengths and all about pairs are ours.
    """

    source: Annotated[str, Setting("device to translate from"), arg(name="from")]
    targets: Annotated[tuple[str, ...], Setting("devices to translate to, with one network"), arg(name="to")]
    width: Annotated[
        int, Setting("channels of the first convolution of generator and discriminator; 8 is for a CPU", 1, 1024)
    ] = 64
    depth: Annotated[int, Setting("how often the U-Net halves the spectrogram", 1, 8)] = 4
    residual_blocks: Annotated[int, Setting("in the middle of the U-Net", 0, 100)] = 6
    sub_bands: Annotated[int, Setting("of the U-Net's SubSpectral Normalization", 1, 2048)] = 16
    dropout: Annotated[float, Setting("in the U-Net's decoder", 0, 0.99)] = 0.5
    epochs: Annotated[int, Setting("of 250 batches each, for any number of pairs", 1, 100_000)] = 200
    batch_size: Annotated[int, Setting("pairs a batch", 1, 65_536)] = 1
    frames: Annotated[
        int,
        Setting("length of the pieces that longer pairs are cut into; at least 2 to the power of --depth", 2, 100_000),
    ] = 256
    learning_rate: Annotated[float, Setting("of Adam", 0, 100)] = 2e-4
    reconstruction_weight: Annotated[float, Setting("of the L2 distance, against 1 of the GAN's loss", 0, 1e6)] = 100.0
    max_lag_seconds: Annotated[float, Setting("largest lag between the clips of a pair", 0, 600, "s")] = 1.0
    min_correlation: Annotated[float, Setting("pairs that correlate less are dropped", -1, 1)] = 0.5
    held_out: Annotated[float, Setting("share of the pairs' locations to measure on", 0.01, 0.9)] = 0.2
    seed: Seed = 0


@dataclass(frozen=True)
class Search:
    """What is searched for, and how."""

    space: Annotated[
        str,
        Setting(
            "what to vary, separated by commas; 'asc-tf settings' says what can be. With ranges or choices of your own:"
            " lambda=0:0.5,width=4:40,norm_position=input|all,depth=1-1-1-2|2-2-2-3"
        ),
    ]
    budget: Annotated[
        str,
        Setting(
            "rules of a year (2021, 2022, 2024, 2025) or limits such as"
            " bytes=24KB,macs=30M,latency_ms=5,ram=64KB,flash=128KB; bytes of 8-bit kernels and 16-bit other"
            " parameters, MACs of a clip, milliseconds of the 8-bit file on this machine, RAM and flash of"
            " 'asc-tf export --target micro' without the interpreter's code"
        ),
    ]
    objective: Annotated[
        Literal["accuracy", "log_loss", "worst_device", "unseen_gap"],
        Setting(
            "on validation clips; unseen_gap leaves the last device out of training (or data.leave_out), and is small"
            " for a bad network too"
        ),
    ] = "accuracy"
    algorithm: Annotated[
        Literal["hyperband", "bayesian", "random"],
        Setting("of KerasTuner; hyperband trains most networks for a few epochs and goes on with the best"),
    ] = "hyperband"
    trials: Annotated[int, Setting("networks to try", 1, 100_000)] = 12
    epochs: Annotated[int | None, Setting("of the longest trial; the recipe's if not given", 1, 100_000)] = None
