"""Published results device by device, for the recipes of these rows."""

import re

from asc_tf.experiment.recipes import RECIPES

DEVICES = ("a", "b", "c", "s1", "s2", "s3", "s4", "s5", "s6")
_ACCURACIES = {
    # Kim et al., DCASE Workshop 2021, table 3
    "bc-resnet-asc-1": (73.1, 61.2, 65.3, 58.2, 57.3, 66.2, 51.5, 51.5, 46.3),
    "bc-resnet-asc-1-global-freqnorm": (73.9, 60.9, 65.5, 60.2, 57.9, 67.9, 50.2, 54.3, 49.4),
    "bc-resnet-asc-1-pcen": (68.0, 60.4, 57.2, 64.0, 63.0, 66.2, 62.3, 61.8, 56.5),
    "bc-resnet-asc-1-resnorm": (76.4, 65.1, 68.3, 66.0, 62.2, 69.7, 63.0, 63.0, 58.3),
    "bc-resnet-asc-1-pre-resnorm": (75.1, 68.9, 67.0, 66.0, 63.9, 69.3, 63.4, 66.9, 63.6),
    "bc-resnet-asc-1-resnorm-no-shortcut": (68.2, 62.1, 58.6, 64.2, 65.3, 66.3, 65.1, 63.8, 61.3),
    "bc-resnet-asc-8-resnorm": (81.3, 74.4, 74.2, 75.6, 73.1, 78.6, 73.0, 74.0, 72.7),
    "bc-resnet-asc-8-pre-resnorm": (80.8, 73.7, 73.0, 74.0, 72.9, 77.8, 73.3, 72.1, 71.0),
    "bc-resnet-asc-8-resnorm-no-shortcut": (78.3, 73.5, 69.1, 73.8, 72.9, 75.6, 72.2, 72.5, 71.0),
    # Kim et al., QTI's technical report, table 2
    "bc-resnet-asc-1-freqin": (69.9, 63.5, 60.0, 65.3, 66.7, 67.6, 65.9, 64.9, 62.0),
    "cp-resnet": (77.0, 69.3, 69.6, 70.3, 68.2, 70.9, 62.7, 63.9, 58.1),
    "bc-resnet-8": (77.9, 70.4, 72.4, 69.5, 68.3, 69.8, 66.3, 64.1, 58.6),
    "bc-resnet-asc-8": (80.7, 72.8, 74.4, 71.4, 68.7, 71.0, 62.2, 65.3, 59.4),
    "bc-resnet-asc-8-resnorm-translator": (80.5, 74.4, 73.9, 76.0, 73.2, 78.5, 74.1, 74.1, 73.6),
    "bc-resnet-asc-8-resnorm-300-epochs-distilled": (82.6, 75.6, 74.7, 77.0, 74.2, 78.7, 75.1, 74.8, 73.4),
    "bc-resnet-asc-8-resnorm-300-epochs-distilled-compressed": (82.0, 73.8, 74.3, 76.2, 73.2, 78.8, 73.8, 72.8, 73.3),
    # Lee et al., DCASE Workshop 2022, table 4
    "bc-res2net-40-mfa-fpm": (72.0, 64.5, 68.2, 62.7, 59.5, 64.2, 54.4, 56.4, 45.3),
    "bc-res2net-40-mfa-fpm-drop-0.00": (72.8, 68.1, 69.7, 63.1, 62.0, 66.2, 53.4, 56.0, 47.6),
    "bc-res2net-40-mfa-fpm-drop-0.50": (73.0, 67.8, 70.1, 62.9, 61.6, 66.5, 55.2, 56.8, 48.4),
    "bc-res2net-40-mfa-fpm-drop-0.90": (73.2, 68.0, 69.4, 63.7, 61.6, 66.2, 55.2, 57.3, 49.0),
    "bc-res2net-40-mfa-fpm-drop-0.99": (72.7, 67.2, 70.3, 63.0, 62.2, 66.0, 55.9, 57.4, 48.8),
    # Schmid et al., baselines of DCASE 2024 and 2025, README
    "dcase2024-baseline-5": (54.45, 45.73, 48.42, 39.66, 36.13, 44.30, 38.90, 40.47, 33.58),
    "dcase2024-baseline-10": (57.84, 48.60, 51.13, 42.16, 40.30, 46.00, 43.13, 41.30, 37.26),
    "dcase2024-baseline-25": (62.27, 53.27, 55.39, 47.52, 46.68, 51.59, 47.39, 46.75, 41.75),
    "dcase2024-baseline-50": (65.39, 56.30, 57.23, 52.99, 50.85, 54.78, 48.35, 47.93, 44.90),
    "dcase2024-baseline-100": (67.17, 59.67, 61.99, 56.28, 55.69, 58.16, 53.05, 52.35, 48.58),
    "dcase2025-baseline": (62.80, 52.87, 54.23, 48.52, 47.29, 52.86, 48.14, 47.23, 42.60),
    "dcase2025-baseline-per-device": (63.98, 55.85, 59.09, 48.68, 48.74, 52.72, 48.14, 47.23, 42.60),
}


def published_row(name):
    """The paper's results for a recipe: {"accuracy": {device or "all": percent}, "log_loss": {"all": value}}.

    Empty if the paper has no number, or no recipe has this name.
    """
    recipe = RECIPES.get(name)
    if recipe is None:
        return {"accuracy": {}, "log_loss": {}}
    accuracy = dict(zip(DEVICES, _ACCURACIES.get(name, ()), strict=False))
    return {
        "accuracy": accuracy | _number(recipe.expected),
        "log_loss": _number(recipe.log_loss),
    }


def _number(text):
    """{"all": the mean of "58.9 ± 0.8"}, or {} of "-"."""
    found = re.match(r"\d+\.?\d*", text)
    return {"all": float(found[0])} if found else {}
