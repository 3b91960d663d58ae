"""A network read from a file is data: nothing in it runs, and damage does not go unnoticed."""

import io
import json
import random
import shutil
import zipfile
from pathlib import Path

import h5py
import numpy as np
import pytest
import tf_keras as keras
from small_networks import plain_convolutions

from asc_tf.errors import AscError
from asc_tf.extensions import NETWORKS
from asc_tf.models.network_file import read_network

DAMAGES = 200


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    """The file of a small network. Do not change it."""
    path = tmp_path_factory.mktemp("network") / "network.keras"
    plain_convolutions().save(path)
    return path


def refusal(path):
    with pytest.raises(AscError) as refused:
        read_network(path)
    sentence = str(refused.value)
    assert sentence.startswith(f"{path}: cannot be loaded (") and "\n" not in sentence
    assert sentence.endswith("expected a .keras file of known layers, as asc-tf writes it")
    return sentence.partition("(")[2]


def rewritten(small, path, changes):
    """Write the file with members changed, by functions of their content; None leaves one out."""
    with zipfile.ZipFile(small) as archive, zipfile.ZipFile(path, "w") as written:
        for info in archive.infolist():
            change = changes.get(info.filename, lambda content: content)
            if change is not None:
                written.writestr(info.filename, change(archive.read(info)))
    return path


def with_config(small, path, change):
    def changed(content):
        config = json.loads(content)
        change(config)
        return json.dumps(config)

    return rewritten(small, path, {"config.json": changed})


def test_networks_of_others_are_read_and_what_they_were_compiled_with_is_not(tmp_path):
    """Our own are read back in the tests of each (`model_checks`)."""
    rows = keras.layers.TimeDistributed(keras.layers.Dense(3, activation="swish", kernel_regularizer="l2"))
    network = keras.Sequential([keras.Input((9, 8)), keras.layers.Bidirectional(keras.layers.SimpleRNN(2)),
                                keras.layers.Reshape((2, 2)), rows])  # fmt: skip
    network.compile("adam", "mse")
    network.save(tmp_path / "network.keras")
    found = read_network(tmp_path / "network.keras")
    assert [layer.name for layer in found.layers] == [layer.name for layer in network.layers]
    assert found.optimizer is None
    for one, other in zip(network.get_weights(), found.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


# What would run code


def lambda_network(marker):
    """A network whose Lambda writes a file when it is built or run."""
    inputs = keras.Input((32, 34, 1))
    writes = eval(f"lambda x: (open({str(marker)!r}, 'w').close(), x)[1]")
    return keras.Model(inputs, keras.layers.Dense(10)(keras.layers.Flatten()(keras.layers.Lambda(writes)(inputs))))


def test_an_hdf5_file_with_a_lambda_runs_nothing(tmp_path):
    marker, path = tmp_path / "ran", tmp_path / "last.keras"
    lambda_network(marker).save(tmp_path / "network.h5")
    shutil.move(tmp_path / "network.h5", path)
    marker.unlink()
    keras.models.load_model(path)  # the trap is one: Keras's own reader falls into it
    assert marker.exists()
    marker.unlink()
    assert refusal(path).startswith("it is an HDF5 file)") and not marker.exists()


def test_a_lambda_in_a_zip_archive_runs_nothing(tmp_path):
    marker, path = tmp_path / "ran", tmp_path / "last.keras"
    lambda_network(marker).save(path)
    marker.unlink()
    assert refusal(path).startswith("it holds Lambda of keras.layers") and not marker.exists()


def test_a_saved_model_is_refused(tmp_path):
    path = tmp_path / "last.keras"
    path.mkdir()
    (path / "saved_model.pb").write_bytes(b"")
    assert refusal(path).startswith("it is a folder")


def layer(config, index=1):
    return config["config"]["layers"][index]


def other_module(config):
    layer(config).update(module="os", class_name="system", registered_name=None)


def other_module_of_ours(config):
    layer(config).update(module="asc_tf.cli", class_name="main", registered_name=None)


def another_registered_class(config):
    layer(config).update(module="asc_tf.training.optimizers", class_name="AdamWOnKernels",
                         registered_name="asc_tf>AdamWOnKernels")  # fmt: skip


def operation_of_tensorflow(config):
    layer(config).update(
        module="keras.src.layers.core.tf_op_layer", class_name="TFOpLambda", registered_name="TFOpLambda"
    )


def function_as_activation(config):
    function = {"module": "os", "class_name": "function", "config": "system", "registered_name": "system"}
    layer(config)["config"]["activation"] = function


def lambda_object(config):
    layer(config)["config"]["kernel_initializer"] = {"class_name": "__lambda__", "config": {"value": "4wEAAAA="}}


def legacy_layer(config):
    """As files of before 2023 name layers, without a module: looked up among all that there are."""
    layer(config).update(class_name="Lambda")
    del layer(config)["module"], layer(config)["registered_name"]


def compiled_inside(config):
    layer(config)["compile_config"] = {"optimizer": {"module": "os", "class_name": "system", "config": {}}}


@pytest.mark.parametrize(
    "change",
    [other_module, other_module_of_ours, another_registered_class, operation_of_tensorflow, function_as_activation,
     lambda_object, legacy_layer, compiled_inside],
)  # fmt: skip
def test_classes_that_are_not_known_are_refused_before_keras_sees_them(small, tmp_path, monkeypatch, change):
    path = with_config(small, tmp_path / "last.keras", change)
    monkeypatch.setattr(keras.models, "load_model", lambda *arguments, **named: pytest.fail("Keras was called"))
    assert " of " in refusal(path) and "which may run code" in refusal(path)


def test_what_a_network_was_compiled_with_is_passed_over(small, tmp_path):
    def compile_with(config):
        config["compile_config"] = {"optimizer": {"module": "os", "class_name": "system", "config": {}}}

    read_network(with_config(small, tmp_path / "last.keras", compile_with))


def test_a_layer_of_ones_own_is_read_once_its_package_adds_a_network(tmp_path, monkeypatch):
    """As docs/extending.md shows it."""

    @keras.saving.register_keras_serializable("mine")
    class Doubled(keras.layers.Layer):
        def call(self, x):
            return 2 * x

    inputs = keras.Input((3,))
    keras.Model(inputs, Doubled()(inputs)).save(tmp_path / "last.keras")
    assert "Doubled of " in refusal(tmp_path / "last.keras")
    monkeypatch.setitem(NETWORKS._things, "doubled", lambda **settings: None)
    assert read_network(tmp_path / "last.keras")(np.ones((1, 3), np.float32)).numpy().tolist() == [[2, 2, 2]]


# What is no archive of ours


def compressed(small, path):
    with zipfile.ZipFile(small) as archive, zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as written:
        for name in archive.namelist():
            written.writestr(name, archive.read(name) + b" " * 10**7)


def one_more_member(small, path):
    shutil.copy(small, path)
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("assets/../../evil", "x")


def one_member_twice(small, path):
    shutil.copy(small, path)
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("config.json", "{}")


def no_weights(small, path):
    rewritten(small, path, {"model.weights.h5": None})


def nested_lists(small, path):
    rewritten(small, path, {"config.json": lambda _: "[" * 100_000})


def no_object(small, path):
    rewritten(small, path, {"config.json": lambda _: "[]"})


def a_layer_alone(small, path):
    config = keras.saving.serialize_keras_object(keras.layers.Dense(3))
    rewritten(small, path, {"config.json": lambda _: json.dumps(config)})


def weights(fill):
    def write(small, path):
        content = io.BytesIO()
        with h5py.File(content, "w") as file:
            fill(file)
        rewritten(small, path, {"model.weights.h5": lambda _: content.getvalue()})

    write.__name__ = fill.__name__
    return write


@weights
def link_to_another_file(file):
    file["layers"] = h5py.ExternalLink("/etc/passwd", "/")


@weights
def array_in_another_file(file):
    file.create_dataset("x", (10,), "u1", external=[("/etc/passwd", 0, 10)])


@weights
def array_that_is_not_there(file):
    file.create_dataset("x", (10**12,), "f4")


@weights
def compressed_array(file):
    file.create_dataset("x", (10**6,), "u1", compression="gzip")


@weights
def loop(file):
    group = file.create_group("a")
    group["b"] = group


@weights
def strings(file):
    file["x"] = ["a", "b"]


@weights
def other_arrays(file):
    file["x"] = np.zeros(3)


@pytest.mark.parametrize(
    ("write", "found"),
    [
        (lambda small, path: path.write_bytes(b""), "it is empty"),
        (lambda small, path: path.write_bytes(b"\0\0\0\0TFL3"), "it is a .tflite file"),
        (lambda small, path: path.write_bytes(b"PK nothing"), "File is not a zip file"),
        (lambda small, path: path.write_bytes(b"last words"), "it is no zip archive"),
        (lambda small, path: path.symlink_to("/dev/zero"), "it is no file"),
        (lambda small, path: path.write_bytes(small.read_bytes()[:5000]), "File is not a zip file"),
        (compressed, "is compressed"),
        (one_more_member, "the archive holds metadata.json, config.json, model.weights.h5, assets/../../evil"),
        (one_member_twice, "the archive holds metadata.json, config.json, model.weights.h5, config.json"),
        (no_weights, "the archive holds metadata.json, config.json; expected"),
        (nested_lists, "maximum recursion depth exceeded"),
        (no_object, "its config.json holds no network"),
        (a_layer_alone, "it holds a Dense, no network"),
        (link_to_another_file, "its weights hold //layers, which is no array"),
        (array_in_another_file, "its weights hold //x, which is no array"),
        (array_that_is_not_there, "its weights say that they are 4,000,000,000,000 bytes"),
        (compressed_array, "its weights hold //x, which is no array"),
        (loop, "its weights hold /a/b, which is no array"),
        (strings, "its weights hold //x, which is no array"),
        (other_arrays, ""),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_other_files_are_refused(small, tmp_path, write, found):
    path = tmp_path / "last.keras"
    write(small, path)
    assert found in refusal(path)


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(AscError, match=r"last.keras: no such file; expected a network"):
        read_network(tmp_path / "last.keras")


def test_a_damaged_file_is_refused_or_gives_the_same_network(small, tmp_path, monkeypatch):
    """One byte changed anywhere: the archive's checksums find what is in a member; the rest is names and times."""
    path, content, generator = tmp_path / "last.keras", small.read_bytes(), random.Random(0)
    given = []
    load = keras.models.load_model
    with zipfile.ZipFile(small) as archive:
        expected = {name: archive.read(name) for name in archive.namelist()}

    def look(copy, **named):
        with zipfile.ZipFile(copy) as archive:
            given.append({name: archive.read(name) for name in archive.namelist()})
        return load(copy, **named) if len(given) < 3 else keras.Sequential()

    monkeypatch.setattr(keras.models, "load_model", look)
    refused = 0
    for number in range(DAMAGES):
        # Every fourth in the archive's directory at the end, where damage is not that of a member's content.
        place = generator.randrange(0 if number % 4 else len(content) - 300, len(content))
        damaged = bytearray(content)
        damaged[place] ^= 1 << generator.randrange(8)
        path.write_bytes(damaged)
        try:
            read_network(path)
        except AscError as error:
            refused += 1
            assert str(error).startswith(f"{path}: cannot be loaded (") and "\n" not in str(error)
    assert refused + len(given) == DAMAGES and refused > 0.7 * DAMAGES
    for members in given:
        assert {**members, "config.json": json.loads(members["config.json"])} == {
            **expected,
            "config.json": {**json.loads(expected["config.json"]), "compile_config": None},
        }


def test_nothing_in_the_package_reads_what_may_run_code():
    """Networks are read in one place; no pickles, and nothing is evaluated."""
    package = Path(__file__).resolve().parents[2] / "asc_tf"
    risky = ("keras.models.load_model", "keras.saving.load_model", "pickle.load", "allow_pickle=True", "eval(",
             "exec(", "yaml.load", "torch.load", "joblib", "safe_mode=False", "literal_eval", "extractall")  # fmt: skip
    found = {
        (path.relative_to(package).as_posix(), word)
        for path in package.rglob("*.py")
        for word in risky
        if word in path.read_text().replace(".eval()", "")  # a method; without an argument nothing is evaluated
    }
    assert found == {("models/network_file.py", "keras.models.load_model")}
