"""Blocks: functions from tensor to tensor, made of leaf layers."""

from asc_tf.blocks.bc_res import batch_norm, bc_res_block
from asc_tf.blocks.frequency_norm import frequency_norm
from asc_tf.blocks.inverted_residual import convolution, inverted_residual, rounded_channels
from asc_tf.blocks.tf_sep import tf_sep_block

__all__ = [
    "batch_norm",
    "bc_res_block",
    "convolution",
    "frequency_norm",
    "inverted_residual",
    "rounded_channels",
    "tf_sep_block",
]
