"""What LiteRT answers to random numbers, for files that must give the same bits."""

import numpy as np
from ai_edge_litert.interpreter import Interpreter


def answers(content):
    """(int8 features of the shape of a file's input, its output) for a file's bytes."""
    interpreter = Interpreter(model_content=content)
    interpreter.allocate_tensors()
    (taken,), (given,) = interpreter.get_input_details(), interpreter.get_output_details()
    numbers = np.random.default_rng(0).integers(-128, 128, taken["shape"]).astype(np.int8)
    interpreter.set_tensor(taken["index"], numbers)
    interpreter.invoke()
    return numbers, interpreter.get_tensor(given["index"])[0]
