"""Loading or running a .tflite file in a separate process, since a damaged file can crash the process."""

import json
import sys

from asc_tf.errors import AscError

TRIAL_SECONDS = 60
_RUN = """
import sys
import numpy as np
from ai_edge_litert.interpreter import Interpreter
interpreter = Interpreter(model_content=sys.stdin.buffer.read(), num_threads=1)
interpreter.allocate_tensors()
for end in interpreter.get_input_details():
    interpreter.set_tensor(end["index"], np.zeros(end["shape"], end["dtype"]))
interpreter.invoke()
"""
# A tensor whose size is known only after a run has no data yet.
_SHAPES = """
import json
import sys
from ai_edge_litert.interpreter import Interpreter, OpResolverType
plain = OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES
interpreter = Interpreter(model_content=sys.stdin.buffer.read(), num_threads=1, experimental_op_resolver_type=plain)
for index, shape in json.loads(sys.argv[1]):
    interpreter.resize_tensor_input(index, shape)
interpreter.allocate_tensors()
shapes = []
for graph in range(int(sys.argv[2])):
    known = []
    for tensor in interpreter.get_tensor_details(graph):
        try:
            interpreter.get_tensor(tensor["index"], graph)
        except (RuntimeError, TypeError, ValueError):
            continue
        known.append([int(tensor["index"]), [int(length) for length in tensor["shape"]]])
    shapes.append(known)
print(json.dumps(shapes))
"""


def check_by_trial(content, path):
    """Refuse a file, given as bytes, if LiteRT cannot load and run it: it raises, crashes, or takes too long.

    For files without a checksum, which cannot prove that they are undamaged; other files save the 0.2 s.

    Raises:
        AscError: names `path`.
    """
    _in_a_process(_RUN, [], content, path)


def shapes_by_trial(content, path, inputs, graphs):
    """Shapes of a file's tensors for inputs of these shapes, as LiteRT plans them; nothing is run.

    Args:
        content: bytes of the file.
        path: path for errors.
        inputs: {tensor: shape} of the first graph's inputs.
        graphs: number of the file's graphs.

    Returns:
        A list, one item per graph, of {tensor: shape}. Tensors whose size is known only after a run are left out.

    Raises:
        AscError: LiteRT cannot load the file.
    """
    arguments = [json.dumps([[index, list(shape)] for index, shape in inputs.items()]), str(graphs)]
    found = json.loads(_in_a_process(_SHAPES, arguments, content, path))
    return [{index: tuple(shape) for index, shape in graph} for graph in found]


def _in_a_process(code, arguments, content, path):
    """The output of Python code that reads the file's bytes from its standard input."""
    import subprocess  # files with a checksum do without

    command = [sys.executable, "-c", code, *arguments]
    try:
        done = subprocess.run(command, input=content, capture_output=True, timeout=TRIAL_SECONDS, check=False)
    except subprocess.TimeoutExpired:
        raise AscError(f"{path}: is no network that can be used (LiteRT takes more than {TRIAL_SECONDS} s)") from None
    if done.returncode:
        lines = done.stderr.decode(errors="replace").strip().splitlines()
        reason = lines[-1][:200] if done.returncode > 0 and lines else f"LiteRT crashes, status {done.returncode}"
        raise AscError(f"{path}: is no network that can be used ({reason})")
    return done.stdout.decode()
