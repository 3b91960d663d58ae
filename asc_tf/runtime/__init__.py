"""Running an exported model without a training framework.

Each name is imported when it is first used: `import asc_tf.runtime` loads no NumPy, which is most of what a first
answer has to load.
"""

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from asc_tf.runtime.classifier import Classifier
    from asc_tf.runtime.stream import Heard, SceneStream

__all__ = ["Classifier", "Heard", "SceneStream"]
_HOMES = {"Classifier": "classifier", "Heard": "stream", "SceneStream": "stream"}


def __getattr__(name):
    if name not in _HOMES:
        raise AttributeError(f"module '{__name__}' has no attribute '{name}'")
    return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)


def __dir__():
    return sorted(__all__)
