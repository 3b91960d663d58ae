"""The file that MODEL on the command line means: a path, a run folder, a shipped model, or the default one."""

from dataclasses import dataclass
from importlib import resources
from pathlib import Path

from asc_tf.errors import AscError

DEFAULT = "esc10-mobile"


@dataclass(frozen=True)
class ShippedModel:
    """A model of the package: its name, its .tflite file, its model card (Markdown)."""

    name: str
    path: Path
    card: Path

    @property
    def summary(self):
        """The first sentence of the card, below its title."""
        text = self.card.read_text(encoding="utf-8")
        body = text.split("\n---\n", 1)[-1].split("\n\n")
        return next(part for part in body if part.strip() and not part.lstrip().startswith("#")).replace("\n", " ")


def shipped_models():
    """The models that come with the package, by name."""
    folder = Path(str(resources.files("asc_tf") / "shipped"))
    models = (ShippedModel(path.stem, path, path.with_suffix(".md")) for path in sorted(folder.glob("*.tflite")))
    return {model.name: model for model in models}


def is_model(name):
    """Whether a name on the command line is a model's, not a recording's."""
    path = Path(name)
    return path.suffix == ".tflite" or (path / "config.json").is_file() or (str(name) in shipped_models())


def find_model(name=None):
    """The .tflite file that a name means.

    Args:
        name: of a .tflite file, of a run folder (for its model.tflite), or of a shipped model; None means the shipped
            model of ESC-10's ten sounds.

    Raises:
        AscError: no such file, or a run that has not been exported.
    """
    shipped = shipped_models()
    if name is None:
        return shipped[DEFAULT].path
    path = Path(name)
    if path.is_dir() and (path / "config.json").is_file():
        if not (path / "model.tflite").is_file():
            raise AscError(f"{path}: is a run without model.tflite; write it by: asc-tf export {path}")
        return path / "model.tflite"
    if not path.exists() and str(name) in shipped:
        return shipped[str(name)].path
    return path
