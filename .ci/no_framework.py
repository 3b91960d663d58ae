"""The package and its runtime import where only they were installed, and no TensorFlow came along."""

import importlib.util
import sys

import asc_tf
import asc_tf.cli
import asc_tf.evidence.tflite_scores
import asc_tf.runtime

came_along = [name for name in ("tensorflow", "tf_keras", "keras", "pandas") if importlib.util.find_spec(name)]
if came_along:
    sys.exit(f"the runtime alone brings {', '.join(came_along)}, expected none of them")
print(f"asc-tf {asc_tf.__version__} without TensorFlow: {asc_tf.cli.__name__}, {asc_tf.runtime.__name__}")
