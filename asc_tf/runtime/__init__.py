"""Running an exported model without a training framework."""

from asc_tf.runtime.classifier import Classifier
from asc_tf.runtime.stream import Heard, SceneStream

__all__ = ["Classifier", "Heard", "SceneStream"]
