"""Networks: functions that build a flat functional Keras model from plain keyword arguments."""

from asc_tf.extensions import NETWORKS
from asc_tf.models.bc_res2net import bc_res2net
from asc_tf.models.bc_resnet import bc_resnet
from asc_tf.models.bc_resnet_asc import bc_resnet_asc
from asc_tf.models.cp_mobile import cp_mobile
from asc_tf.models.cp_mobile_2023 import cp_mobile_2023
from asc_tf.models.cp_resnet import cp_resnet
from asc_tf.models.ensemble import ensemble
from asc_tf.models.tf_sepnet import tf_sepnet

__all__ = [
    "NETWORKS",
    "bc_res2net",
    "bc_resnet",
    "bc_resnet_asc",
    "cp_mobile",
    "cp_mobile_2023",
    "cp_resnet",
    "ensemble",
    "tf_sepnet",
]
