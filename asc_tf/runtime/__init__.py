"""Running an exported model without a training framework."""

from asc_tf.runtime.classifier import Classifier

__all__ = ["Classifier"]
