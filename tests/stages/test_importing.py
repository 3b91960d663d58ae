"""Runs made of public checkpoints; the checkpoint's numbers are drawn, but for the tests on shared files."""

import hashlib
import json

import pytest
import soundfile
from torch_files import drawn_tensors, write_checkpoint

from asc_tf import stages
from asc_tf.cli import main
from asc_tf.data.tau_writer import write_tables
from asc_tf.errors import AscError
from asc_tf.experiment.recipes import find_recipe
from asc_tf.experiment.run_folder import load_model, read_run
from asc_tf.experiment.teachers import hears_the_same
from asc_tf.internals.torch_checkpoint import read_checkpoint
from asc_tf.models import cp_mobile_2023
from asc_tf.runtime import Classifier
from asc_tf.stages import finetuning_checks, preconditions
from asc_tf.stages.submission_checks import check_submission


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    path = tmp_path_factory.mktemp("public") / "cp.ckpt"
    return read_checkpoint(write_checkpoint(path, drawn_tensors(cp_mobile_2023(), "cp-mobile-2023")))


@pytest.fixture(scope="module")
def imported(checkpoint, tmp_path_factory):
    run = tmp_path_factory.mktemp("runs") / "imported"
    stages.import_checkpoint(checkpoint, "cp-mobile-2023", run)
    return run


def test_the_run_says_where_it_comes_from_and_is_loaded_as_any_other(imported, checkpoint):
    config, dataset = read_run(imported)
    assert (dataset.root, dataset.clips_sha256, len(dataset.scenes)) == ("", "", 10)
    said = json.loads((imported / "imported.json").read_text())
    digest = hashlib.sha256(checkpoint.path.read_bytes()).hexdigest()
    assert (said["checkpoint"], said["sha256"]) == ("cp.ckpt", digest)
    model = load_model(imported)
    assert model.input_shape == (None, 256, 64, 1) and config.frontend.sample_rate_hz == 32000
    student = find_recipe("cp-mobile-2023").config
    assert hears_the_same(imported, student, dataset), "it can teach"


@pytest.mark.parametrize(
    ("asks", "advice"),
    [
        (lambda run, out: preconditions.check_evaluation(run), "expected --data ROOT, or an import with --data ROOT"),
        (lambda run, out: preconditions.check_export(run, out, "int8", "features"), "expected --data ROOT, or an"),
        (
            lambda run, out: finetuning_checks.check_finetuning(run, out / "x", ()),
            "expected an import with --data ROOT",
        ),
        (lambda run, out: preconditions.check_compression(run, out / "x", stages.Compression()), "expected an import"),
        (lambda run, out: check_submission(run, 2022, out, "Kim_QTI_task1_1"), "expected an import"),
    ],
    ids=["evaluate", "export int8", "finetune", "compress", "submit int8"],
)
def test_what_needs_clips_says_so(asks, advice, imported, tmp_path):
    out = tmp_path / "model.tflite"
    with pytest.raises(AscError, match=f"imported: was imported without a data set; {advice}"):
        asks(imported, out)
    assert not out.exists() and not preconditions.has_test_part(imported)


@pytest.mark.parametrize("flags", [["--seeds", "2"], ["--leave-device-out"]])
def test_its_training_cannot_be_repeated(imported, flags, capsys):
    assert main(["evaluate", str(imported), *flags]) == 1
    said = capsys.readouterr().err
    assert "was imported (imported.json); expected a run that was trained here" in said and "--data" not in said


@pytest.mark.slow
def test_the_same_import_changes_nothing_and_another_is_refused(imported, checkpoint, synthetic_root, tmp_path):
    before = (imported / "last.keras").stat().st_mtime_ns
    stages.import_checkpoint(checkpoint, "cp-mobile-2023", imported)
    assert (imported / "last.keras").stat().st_mtime_ns == before
    with pytest.raises(AscError, match="is an import of another checkpoint or data set; expected another --run"):
        stages.import_checkpoint(checkpoint, "cp-mobile-2023", imported, synthetic_root)
    with pytest.raises(AscError, match=r"has no tensor backbone\.conv_layers\.0\._conv\.weight"):
        stages.import_checkpoint(checkpoint, "tf-sepnet", tmp_path / "other")
    assert not (tmp_path / "other").exists()


@pytest.mark.slow
@pytest.mark.usefixtures("eager")
def test_a_run_with_a_data_set_is_evaluated_and_exported_from_it(checkpoint, synthetic_root, tmp_path):
    run = tmp_path / "run"
    stages.import_checkpoint(checkpoint, "cp-mobile-2023", run, synthetic_root)
    assert "all" in stages.evaluate(run, report=lambda line: None)
    path, parameters, _ = stages.export(run, report=lambda line: None)
    assert parameters == 126_952 and path.is_file()


@pytest.mark.slow
@pytest.mark.shared
@pytest.mark.parametrize(
    ("network", "file"), [("cp-mobile-2023", "cp_mobile_dcase23"), ("tf-sepnet", "tf_sepnet_64_dcase25")]
)
def test_the_8_bit_file_of_a_public_network_hears_the_metro_station(network, file, shared, tmp_path):
    """Calibrated on the clip's ten seconds, compared on those five in which both networks are sure."""
    clip = shared / "tau_audio" / "metro_station-paris.wav"
    samples, rate = soundfile.read(clip, dtype="int32")
    rows = []
    (tmp_path / "data" / "audio").mkdir(parents=True)
    for part, seconds in (("train", range(10)), ("test", range(4, 9))):
        for second in seconds:
            name = f"audio/metro_station-{part}-{second}.wav"
            piece = samples[second * rate : (second + 1) * rate]
            soundfile.write(tmp_path / "data" / name, piece, rate, subtype="PCM_24")
            rows.append((name, "metro_station", f"paris-{part}{second // 5}", "a", part))
    write_tables(tmp_path / "data", rows)
    run = tmp_path / "run"
    stages.import_checkpoint(read_checkpoint(shared / "checkpoints" / f"{file}.ckpt"), network, run)
    path, _, _ = stages.export(run, format="int8", input="features", report=lambda line: None, root=tmp_path / "data")
    classifier = Classifier(path)
    probabilities = dict(zip(classifier.labels, classifier.classify_file(clip), strict=True))
    assert max(probabilities, key=probabilities.get) == "metro_station" and probabilities["metro_station"] > 0.4
