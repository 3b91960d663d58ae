"""The tensor arena of a network in TensorFlow Lite for Microcontrollers: measured, or estimated by the account."""

import contextlib
import importlib
import os
import re
import sys
import tempfile
from dataclasses import dataclass

import numpy as np

from asc_tf.export.memory_plan import planned_bytes

_LARGEST_BYTES = 64 * 2**20
# Of the interpreter on 64 bits, as its print_allocations lists them; on a chip of 32 bits most are about half.
_TENSOR_BYTES, _NODE_BYTES, _KERNEL_BYTES, _INTERPRETER_BYTES = 24, 64, 70, 1000
_CHANNEL_BYTES = 8  # multiplier and shift of an output channel


@dataclass(frozen=True)
class Arena:
    """Bytes of an arena.

    Attributes:
        maps: of the feature maps alive at once, in the places that the file's plan gives them.
        records: of the interpreter's records of nodes, tensors and output channels.
        measured: whether by `tflite-micro`; else by `estimated_arena`.
    """

    maps: int
    records: int
    measured: bool

    @property
    def bytes(self):
        return self.maps + self.records


def arena_of(network):
    """`Arena` of a `Network`: measured where the package `tflite-micro` is installed, else estimated."""
    return measured_arena(network.content) or estimated_arena(network)


def estimated_arena(network):
    """`Arena` by the plan of the maps in the file, and by the numbers of nodes, tensors and output channels."""
    records = (
        _INTERPRETER_BYTES
        + network.tensors * _TENSOR_BYTES
        + network.nodes * (_NODE_BYTES + _KERNEL_BYTES)
        + network.channels * _CHANNEL_BYTES
    )
    return Arena(planned_bytes(network.content), records, measured=False)


def measured_arena(content):
    """`Arena` of a .tflite file's bytes, or None where the package `tflite-micro` is not installed."""
    interpreter = micro_interpreter(content)
    if interpreter is None:
        return None
    run(interpreter, np.zeros(interpreter.get_input_details(0)["shape"], np.int8))
    said = _said(interpreter.print_allocations)
    head, tail = (int(re.search(rf"allocation {end} (\d+) bytes", said)[1]) for end in ("head", "tail"))
    return Arena(head, tail, measured=True)


def micro_interpreter(content):
    """TensorFlow Lite for Microcontrollers' interpreter for a .tflite file's bytes, or None."""
    try:
        runtime = importlib.import_module("tflite_micro.python.tflite_micro.runtime")
    except ImportError:
        return None
    return runtime.Interpreter.from_bytes(content, arena_size=_LARGEST_BYTES)


def run(interpreter, features):
    """Probabilities [classes] for int8 features of the shape of the input."""
    interpreter.set_input(features, 0)
    interpreter.invoke()
    return interpreter.get_output(0)[0]


def _said(function):
    """What native code prints to standard error while a function runs."""
    sys.stderr.flush()
    with tempfile.TemporaryFile() as file, contextlib.ExitStack() as stack:
        kept = os.dup(2)
        stack.callback(os.close, kept)
        stack.callback(os.dup2, kept, 2)
        os.dup2(file.fileno(), 2)
        function()
        file.seek(0)
        return file.read().decode(errors="replace")
