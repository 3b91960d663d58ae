"""The scores of single places: their mean are the logits, and what a place sees is what its network's kernels reach."""

import functools
from types import SimpleNamespace

import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema
from small_networks import NETWORKS, unsettled, unsettled_network

from asc_tf.complexity.tflite_graph import Graph, Operator, Tensor, read_graphs
from asc_tf.complexity.tflite_reach import seen_by_places
from asc_tf.errors import AscError
from asc_tf.evidence.network_scores import ScoredNetwork
from asc_tf.evidence.tflite_ending import ending_of
from asc_tf.evidence.tflite_scores import ScoredFile
from asc_tf.export.tflite import export_tflite, metadata_of, network_file
from asc_tf.frontend.log_mel import LogMel
from asc_tf.models import bc_res2net, ensemble
from asc_tf.runtime import Classifier
from asc_tf.runtime.shipped import shipped_models


def scored(network):
    """A network of 16 kHz and 20 ms, with the frontend that its input asks for."""
    labels = [f"scene{number}" for number in range(network.output_shape[1])]
    samples = (network.input_shape[2] - 1) * 320
    return ScoredNetwork(network, metadata_of(frontend_for(network), network, labels, samples), "RUN")


def frontend_for(network):
    bins = network.input_shape[1]
    return LogMel(window_ms=40, hop_ms=20, mel_bins=bins, low_hz=200 if bins > 40 else 0)


def softmax(logits):
    powers = np.exp(logits - logits.max())
    return powers / powers.sum()


ASC, RESNET, MOBILE = (functools.partial(unsettled_network, name) for name in ("asc", "resnet", "cp-mobile"))


@functools.cache
def res2net():
    return unsettled(bc_res2net((32, 34, 1), 4, width=8, scale=2, depth=(1, 1, 1, 1)))


@pytest.mark.slow
@pytest.mark.parametrize("make", [ASC, RESNET, MOBILE, res2net], ids=["asc", "resnet", "cp-mobile", "res2net"])
def test_the_mean_over_the_places_of_a_network_are_its_logits(make, eager):
    network = make()
    places = scored(network)
    noise = np.random.default_rng(0).normal(0, 0.1, places.samples).astype(np.float32)
    window = places.scored(noise)
    logits = network(window.features[np.newaxis, :, :, np.newaxis], training=False).numpy()[0]
    assert np.allclose(window.scores.mean(axis=(0, 1)), logits, atol=1e-3 * np.abs(logits).max())
    assert np.allclose(window.probabilities, softmax(logits), atol=1e-5)
    assert window.scores.shape[:2] == places.places.shape != (1, 1) and window.scores.std(axis=(0, 1)).min() > 0


def pair():
    return ensemble([NETWORKS["cp-mobile"](), NETWORKS["cp-mobile"]()])


@pytest.mark.slow
@pytest.mark.parametrize(("make", "last"), [(NETWORKS["res2net"], "Concatenate"), (pair, "LogMeanProbability")])
def test_networks_without_one_map_say_so(make, last, eager):
    with pytest.raises(AscError, match=rf"^RUN: .* has no scores of single places; .*\({last}\)"):
        scored(make())


@pytest.mark.parametrize("model", shipped_models().values(), ids=lambda model: model.name)
def test_the_mean_over_the_places_of_a_shipped_file_are_its_logits(model):
    file, plain = ScoredFile(model.path), Classifier(model.path)
    generator = np.random.default_rng(0)
    scale, least, most = mean_range(model.path, len(file.labels))
    for level in (0.3, 0.01, 1e-3):
        noise = generator.normal(0, level, file.samples).astype(np.float32)
        window = file.scored(noise)
        assert np.array_equal(window.probabilities, plain.window_probabilities(noise))
        # The file rounds its logits to 8 bits and cuts those beyond their range. Softmax keeps their differences.
        logits, expected = np.clip(window.scores.mean(axis=(0, 1)), least, most), np.log(window.probabilities)
        assert np.ptp(logits - expected) <= 2 * scale < 0.1


def mean_range(path, classes):
    """(scale, least, most) of the numbers that an 8-bit file's last mean gives."""
    graph = schema.ModelT.InitFromObj(schema.Model.GetRootAs(path.read_bytes(), 0)).subgraphs[0]
    (mean,) = [
        tensor
        for tensor in graph.tensors
        if tuple(tensor.shape) == (1, classes) and tensor.type == schema.TensorType.INT8
    ]
    scale, zero_point = float(mean.quantization.scale[0]), int(mean.quantization.zeroPoint[0])
    return scale, (-128 - zero_point) * scale, (127 - zero_point) * scale


@pytest.mark.slow
def test_exported_files_see_what_their_networks_see():
    """The exporter cuts convolutions into bands and folds; what a place sees stays the same."""
    for make in (ASC, MOBILE):
        network = make()
        places = scored(network).places
        graph = read_graphs(network_file(network, network.input_shape[1:]))[0]
        logits = next(o for o in graph.operators if o.outputs[0].index == graph.outputs[0].index)
        assert seen_by_places(graph, network.input_shape[1:3], logits.inputs[0].index) == (places.rows, places.columns)


def test_a_shipped_file_sees_what_the_papers_network_sees():
    """One bin more, since its stem is written with a row of zeros; the papers' 109 leave out two poolings, 6 more."""
    places = ScoredFile(shipped_models()["esc10-mobile"].path).places
    first, last = places.rows[16]
    assert last - first + 1 == 109 + 6 + 1 and places.columns[10] == (26, 141)
    assert places.rows[0][0] == 0 and places.rows[-1][1] == 255 and places.bins_each == places.frames_each == 8


@pytest.mark.slow
@pytest.mark.parametrize(("make", "weights"), [(ASC, "float16"), (RESNET, "int8"), (res2net, "float16")])
def test_exported_files_score_places_as_their_networks_do(tmp_path, make, weights):
    """Of waveform files, whose frontend stands before the network, with linear layers behind the mean or none."""
    network = make()
    places = scored(network)
    path, labels = tmp_path / "model.tflite", places.labels
    clips = np.random.default_rng(1).normal(0, 0.1, (8, places.samples)).astype(np.float32)
    seconds = places.samples / places.sample_rate_hz
    export_tflite(path, frontend_for(network), network, labels, seconds, clips, format=weights, calibrate_on=clips)
    file = ScoredFile(path)
    tolerance, together = 0.15 if weights == "int8" else 0.02, []
    for clip in clips:
        expected, found = places.scored(clip), file.scored(clip)
        logits = np.log(found.probabilities)
        assert np.ptp(found.scores.mean(axis=(0, 1)) - logits) < tolerance * max(1, np.ptp(logits))
        assert found.scores.shape == expected.scores.shape
        together.append(np.corrcoef(found.scores.ravel(), expected.scores.ravel())[0, 1])
    # Place by place 8 bits are coarse where nothing was trained to bear them, in one clip of noise more than in others.
    assert np.mean(together) > (0.8 if weights == "int8" else 0.999)


def tensor(index, *shape):
    return Tensor(index, f"tensor{index}", (1, *shape), "float32")


def test_files_without_one_map_say_so():
    """As BC-Res2Net's with FPM, whose linear layer reads the means of several maps."""
    left, right, joined, logits, probabilities = tensor(0, 8), tensor(1, 8), tensor(2, 16), tensor(3, 4), tensor(4, 4)
    plain = SimpleNamespace(fusedActivationFunction=0)
    operators = [
        Operator("CONCATENATION", (left, right), (joined,)),
        Operator("FULLY_CONNECTED", (joined, tensor(5, 16), tensor(6)), (logits,), options=plain),
        Operator("SOFTMAX", (logits,), (probabilities,)),
    ]
    with pytest.raises(
        AscError, match=r"^FILE: holds no scores of .* bc_res2net come from CONCATENATION; .* of one map$"
    ):
        ending_of(Graph("main", operators, [left, right], [probabilities]), "FILE", "bc_res2net")
