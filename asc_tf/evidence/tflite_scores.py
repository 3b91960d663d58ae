"""The score map of a .tflite file: the tensor before the last mean, made a second output. Needs no TensorFlow."""

from ai_edge_litert import schema_py_generated as schema

from asc_tf.complexity.tflite_graph import read_graphs
from asc_tf.complexity.tflite_reach import seen_by_places
from asc_tf.errors import AscError
from asc_tf.evidence.score_map import Places, ScoredWindow
from asc_tf.runtime.classifier import Classifier, from_quantized
from asc_tf.runtime.frontend import frontend_of
from asc_tf.runtime.sharing_builder import packed

_AFTER_THE_MEAN = {"SOFTMAX", "DEQUANTIZE", "QUANTIZE", "RESHAPE", "SQUEEZE"}
_INSTEAD = "its run may have more to show: asc-tf explain RUN AUDIO"


class ScoredFile(Classifier):
    """A .tflite file of ours that says its scores place by place as well.

    The tensor before the last mean is not kept in a run: memory is used again, and fused kernels skip it. So it is
    made an output of the graph, in memory; all else stays as the file has it.

    Args:
        path: of the file.
        **classifier: arguments of `Classifier`.

    Attributes:
        places: `Places` of its map.
        All of `Classifier`'s besides.

    Raises:
        AscError: as `Classifier`, or the file has no such tensor.
    """

    def __init__(self, path, **classifier):
        super().__init__(path, **classifier)
        metadata = self.metadata
        self._picture = frontend_of(metadata, path)
        features = self._picture.feature_shape(self.samples)[:2]
        seen = seen_by_places(self._graph, features, self._tensor.index)
        self.places = Places.of(features, seen, self._tensor.shape[1:3], metadata.frontend)
        self._map = self._interpreter.get_output_details()[1]
        del self._graph

    def scored(self, window):
        """The `ScoredWindow` of a waveform [samples] at the network's rate; errors as `window_probabilities`."""
        features = self._picture(window)[:, :, 0]
        probabilities = self.window_probabilities(features if self.metadata.input == "features" else window)
        scores = from_quantized(self._interpreter.get_tensor(self._map["index"])[0], self._map)
        return ScoredWindow(features, scores, probabilities)

    def _runnable(self, content):
        self._graph = read_graphs(content)[0]
        self._tensor = score_tensor(self._graph, len(self.labels), self._path, self.metadata.network)
        model = schema.ModelT.InitFromObj(schema.Model.GetRootAs(content, 0))
        graph = model.subgraphs[0]
        graph.outputs = [*graph.outputs, self._tensor.index]
        model.signatureDefs = []  # they name the outputs that there were
        return packed(model)

    def _answers(self):
        return self._interpreter.get_output_details()[:1]


def score_tensor(graph, classes, path, network):
    """The tensor [1, frequency, time, classes] of a graph whose mean are the logits.

    Args:
        graph: `tflite_graph.Graph`, from features or waveform to probabilities.
        classes: number of the scenes.
        path, network: of the file and its network, for the error.

    Raises:
        AscError: the logits are no mean of such a tensor.
    """
    makers = {output.index: operator for operator in graph.operators for output in operator.outputs}
    operator = makers.get(graph.outputs[0].index)
    while operator is not None and operator.name in _AFTER_THE_MEAN:
        operator = makers.get(operator.inputs[0].index)
    if operator is not None and operator.name == "MEAN":
        tensor = operator.inputs[0]
        axes = sorted(axis % 4 for axis in operator.inputs[1].integers)
        if len(tensor.shape) == 4 and tensor.shape[3] == classes and axes == [1, 2]:
            return tensor
    found = "nothing" if operator is None else operator.name
    raise AscError(
        f"{path}: holds no scores of single places; the network {network} ends with {found}, expected the mean over "
        f"frequency and time of a map of {classes} scenes; {_INSTEAD}"
    )
