"""Blocks: functions from tensor to tensor, made of leaf layers."""

from asc_tf.blocks.bc_res import batch_norm, bc_res_block
from asc_tf.blocks.frequency_norm import frequency_norm

__all__ = ["batch_norm", "bc_res_block", "frequency_norm"]
