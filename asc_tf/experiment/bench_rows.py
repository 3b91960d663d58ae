"""The value of each method on one data set: the rows of `asc-tf bench`."""

from dataclasses import dataclass

from asc_tf.errors import AscError

# The whole training part, as in the papers; nothing selects among rows.
COMMON = ("data.validation_fraction=0", "train.epochs=60", "train.batch_size=32")
TEACHER = ("bc-resnet-asc-1-resnorm", ("model.width=40", "train.epochs=40"))
NETWORKS = {"bc-resnet-asc-1": {}, "bc-res2net-20": {"network": "bc-res2net", "width": 20, "scale": 5}}
"""The changed values of a recipe's `ModelConfig`. HYU's 4 sub-maps do not divide widths of 20, 30, 40 and 50."""


@dataclass(frozen=True)
class Row:
    """One method: a recipe with settings, and its other requirements."""

    name: str
    title: str
    recipe: str
    settings: tuple[str, ...] = ()
    """beside COMMON"""
    responses: bool = False
    """train through a folder of microphones' impulse responses"""
    translator: bool = False
    """train on clips of the device translator too"""
    teacher: bool = False
    """learn from the network of TEACHER"""
    tuned: str | None = None
    """name of the row whose networks are fine-tuned, with `settings` of finetune; nothing else is trained"""


_PRE = "bc-resnet-asc-1-pre-resnorm"
_MIXSTYLE = ("augment.mixstyle_alpha=0.3",)
_BOTH = "Pre-ResNorm, Freq-MixStyle"
_ALL = f"{_BOTH}, impulse responses, distilled"
_ROBUST = ("augment=robust",)
"""Freq-MixStyle and dynamic range compression."""
_CACHED = ("distillation.logits=cached",)
_LONG = ("train.epochs=240",)
"""About as many steps as 60 epochs with translated clips; chosen on another fold of ESC-10."""
_DRC_LONG = f"{_BOTH}, dynamic range compression, distilled, 240 epochs"
_EVERY = f"{_BOTH}, dynamic range compression, impulse responses, translated clips, distilled"
_KEPT = ("finetune.renew_classifier=false", "finetune.epochs=8", "finetune.learning_rate=1e-4")
"""Drop fine-tuning that keeps the classifier; chosen on another fold, by devices that its training left out."""
_SHORT = ("train.epochs=13", "train.warmup_epochs=1")
"""With translated clips as many steps as 60 epochs without them (832 and 840), and as many of warm-up (64 and 70)."""
ROWS = {
    row.name: row
    for row in (
        Row("plain", "no normalization", "bc-resnet-asc-1"),
        Row("global-freqnorm", "Global FreqNorm", "bc-resnet-asc-1-global-freqnorm"),
        Row("pcen", "fixed PCEN", "bc-resnet-asc-1-pcen"),
        Row("freqin", "FreqIN", "bc-resnet-asc-1-freqin"),
        Row("pre-resnorm", "Pre-ResNorm", _PRE),
        Row("resnorm", "ResNorm", "bc-resnet-asc-1-resnorm"),
        Row("mixstyle", _BOTH, _PRE, _MIXSTYLE),
        Row("drc", f"{_BOTH}, dynamic range compression", _PRE, _ROBUST),
        Row("responses", f"{_BOTH}, impulse responses", _PRE, _MIXSTYLE, responses=True),
        Row("plain-mixstyle", "no normalization, Freq-MixStyle", "bc-resnet-asc-1", _MIXSTYLE),
        Row("plain-responses", "no normalization, impulse responses", "bc-resnet-asc-1", responses=True),
        Row("translator", f"{_BOTH}, translated clips", _PRE, _MIXSTYLE, translator=True),
        Row("translator-short", f"{_BOTH}, translated clips, 13 epochs", _PRE, (*_MIXSTYLE, *_SHORT), translator=True),
        Row("drop", f"{_BOTH}, drop fine-tuning", _PRE, tuned="mixstyle"),
        Row("distilled", f"{_BOTH}, distilled from width 40", _PRE, _MIXSTYLE, teacher=True),
        Row("all", _ALL, _PRE, _MIXSTYLE, responses=True, teacher=True),
        Row("all-drop", f"{_ALL}, drop fine-tuning", _PRE, tuned="all"),
        Row("pre-resnorm-long", "Pre-ResNorm, 240 epochs", _PRE, _LONG),
        Row("pre-resnorm-long-drop", "Pre-ResNorm, 240 epochs, drop fine-tuning", _PRE, tuned="pre-resnorm-long"),
        Row("all-long", f"{_ALL}, 240 epochs", _PRE, (*_MIXSTYLE, *_LONG), responses=True, teacher=True),
        Row("all-long-drop", f"{_ALL}, 240 epochs, drop fine-tuning", _PRE, tuned="all-long"),
        Row("drc-long", _DRC_LONG, _PRE, (*_ROBUST, *_LONG, *_CACHED), teacher=True),
        Row("drc-long-drop", f"{_DRC_LONG}, drop fine-tuning", _PRE, tuned="drc-long"),
        Row("drc-long-kept", f"{_DRC_LONG}, drop fine-tuning that keeps the classifier", _PRE, _KEPT, tuned="drc-long"),
        Row("every", _EVERY, _PRE, (*_ROBUST, *_CACHED), responses=True, translator=True, teacher=True),
        Row("every-drop", f"{_EVERY}, drop fine-tuning", _PRE, tuned="every"),
    )
}


def find_rows(names):
    """The rows of these names, in the bench's order, and the rows that they fine-tune; all rows without names.

    Raises:
        AscError: no such row.
    """
    for name in names:
        if name not in ROWS:
            raise AscError(f"--rows {name}: expected some of {', '.join(ROWS)}")
    wanted = {*names, *(ROWS[name].tuned for name in names)} if names else {*ROWS}
    return [row for row in ROWS.values() if row.name in wanted]
