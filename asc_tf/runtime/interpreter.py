"""LiteRT's interpreter, loaded without a word. Needs no TensorFlow."""

from asc_tf.quiet import native_stderr_hidden


def loaded(content, threads=1):
    """The interpreter of a .tflite file's bytes, its tensors allocated.

    Raises:
        Exception: of any class, as LiteRT does for what it cannot load.
    """
    from ai_edge_litert.interpreter import Interpreter

    with native_stderr_hidden():
        interpreter = Interpreter(model_content=content, num_threads=threads)
        interpreter.allocate_tensors()
    return interpreter
