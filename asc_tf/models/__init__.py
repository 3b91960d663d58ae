"""Networks: functions that build a flat functional Keras model from plain keyword arguments."""

from asc_tf.models.bc_resnet_asc import bc_resnet_asc

__all__ = ["bc_resnet_asc"]
