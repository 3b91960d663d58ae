"""LiteRT's interpreter, loaded without messages. Needs no TensorFlow."""

from asc_tf.quiet import native_stderr_hidden


def loaded(content, threads=1):
    """The interpreter of a .tflite file's bytes, with allocated tensors.

    Raises:
        Exception: of any class, as LiteRT raises for files that it cannot load.
    """
    from ai_edge_litert.interpreter import Interpreter

    with native_stderr_hidden():
        interpreter = Interpreter(model_content=content, num_threads=threads)
        interpreter.allocate_tensors()
    return interpreter
