"""Run a .tflite file once in a process of its own, since a damaged one can take the process down with it."""

import subprocess
import sys

from asc_tf.errors import AscError

TRIAL_SECONDS = 60
_CODE = """
import sys
import numpy as np
from ai_edge_litert.interpreter import Interpreter
interpreter = Interpreter(model_content=sys.stdin.buffer.read(), num_threads=1)
interpreter.allocate_tensors()
for end in interpreter.get_input_details():
    interpreter.set_tensor(end["index"], np.zeros(end["shape"], end["dtype"]))
interpreter.invoke()
"""


def check_by_trial(content, path):
    """Refuse a file, given as bytes, that LiteRT cannot load and run: with an exception, by a crash, or in no time.

    For files without a checksum, which say nothing about damage; the others are spared the 0.2 s.

    Raises:
        AscError: names `path`.
    """
    try:
        done = subprocess.run(
            [sys.executable, "-c", _CODE], input=content, capture_output=True, timeout=TRIAL_SECONDS, check=False
        )
    except subprocess.TimeoutExpired:
        raise AscError(f"{path}: is no network that can be used (LiteRT takes more than {TRIAL_SECONDS} s)") from None
    if done.returncode:
        lines = done.stderr.decode(errors="replace").strip().splitlines()
        reason = lines[-1][:200] if done.returncode > 0 and lines else f"LiteRT crashes, status {done.returncode}"
        raise AscError(f"{path}: is no network that can be used ({reason})")
