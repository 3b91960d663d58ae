"""The score map of a .tflite file: the tensor before the last mean, made a second output. Needs no TensorFlow."""

from ai_edge_litert import schema_py_generated as schema

from asc_tf.complexity.tflite_graph import read_graphs
from asc_tf.complexity.tflite_reach import seen_by_places
from asc_tf.evidence.score_map import Places, ScoredWindow
from asc_tf.evidence.tflite_ending import ending_of, linear_layers
from asc_tf.runtime.classifier import Classifier, from_quantized
from asc_tf.runtime.frontend import frontend_of
from asc_tf.runtime.sharing_builder import packed


class ScoredFile(Classifier):
    """A .tflite file of ours that says its scores place by place as well.

    The tensor before the last mean is not kept in a run: memory is used again, and fused kernels skip it. So it is
    made an output of the graph, in memory; all else stays as the file has it. Where linear operators follow the mean,
    they are applied to each place instead: the mean of what they give is the same.

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
        seen = seen_by_places(self._graph, features, self._ending.map.index)
        self.places = Places.of(features, seen, self._ending.map.shape[1:3], self._picture)
        self._map = self._interpreter.get_output_details()[1]
        self._linear = linear_layers(self._ending, self._interpreter)
        del self._graph

    def scored(self, window):
        """The `ScoredWindow` of a waveform [samples] at the network's rate; errors as `window_probabilities`."""
        features = self._picture(window)[:, :, 0]
        probabilities = self.window_probabilities(features if self.metadata.input == "features" else window)
        scores = from_quantized(self._interpreter.get_tensor(self._map["index"])[0], self._map)
        for kernel, bias in self._linear:
            scores = scores @ kernel + bias
        return ScoredWindow(features, scores, probabilities)

    def _runnable(self, content):
        self._graph = read_graphs(content)[0]
        self._ending = ending_of(self._graph, self._path, self.metadata.network)
        model = schema.ModelT.InitFromObj(schema.Model.GetRootAs(content, 0))
        graph = model.subgraphs[0]
        graph.outputs = [*graph.outputs, self._ending.map.index]
        model.signatureDefs = []  # they name the outputs that there were
        return packed(model)

    def _answers(self):
        return self._interpreter.get_output_details()[:1]
