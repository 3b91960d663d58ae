"""`asc-tf train` on features that are computed from the waveforms in each epoch."""

import shutil

import pytest
import soundfile
from command_line import train_fails
from damaged_audio import damage_empty, damage_truncate

from asc_tf.cli import main


@pytest.fixture(scope="module")
def train(train_smallest, synthetic_root):
    """Function that trains a run folder with settings, to the last bit the same each time."""

    def train(run, *settings):
        flags = ["--data", str(synthetic_root), "--run", str(run), "--deterministic", "--set", *settings]
        assert main([*train_smallest, *flags]) == 0

    return train


@pytest.fixture(scope="module")
def streamed_run(train, eager, tmp_path_factory):
    """A run that was trained on streamed features. Do not change it: copy it."""
    run = tmp_path_factory.mktemp("streamed") / "run"
    train(run, "data.features=stream")
    return run


@pytest.mark.slow
def test_streamed_features_train_the_same_network_as_kept_ones(streamed_run, train, tmp_path):
    train(tmp_path / "kept")
    for name in ("predictions.csv", "metrics.json", "history.csv"):
        assert (tmp_path / "kept" / name).read_text() == (streamed_run / name).read_text()
    assert not list(streamed_run.rglob("*.npy"))


@pytest.mark.slow
def test_a_streamed_run_that_goes_on_spares_the_pass_for_the_statistics(streamed_run, train, tmp_path, monkeypatch):
    run = shutil.copytree(streamed_run, tmp_path / "run")
    (run / "last.keras").unlink()
    (run / "predictions.csv").unlink()
    monkeypatch.setattr(
        "asc_tf.stages.features.mean_and_std", lambda *arguments, **options: pytest.fail("reads all recordings again")
    )
    train(run, "data.features=stream")
    assert (run / "predictions.csv").read_text() == (streamed_run / "predictions.csv").read_text()


@pytest.mark.parametrize("damage", [damage_empty, damage_truncate])
def test_a_streamed_training_names_the_clip_that_cannot_be_read(root, tmp_path, capsys, damage):
    names = (root / "evaluation_setup" / "fold1_train.csv").read_text().splitlines()[1:]
    path = root / names[7].split("\t")[0]
    damage(path)
    assert str(path) in train_fails(capsys, root, tmp_path / "run", "data.features=stream")


@pytest.mark.slow
def test_a_streamed_training_hears_impulse_responses(streamed_run, train, tmp_path):
    folder = tmp_path / "responses"
    folder.mkdir()
    for number, response in enumerate(([1.0, 0.9, 0.8], [0.2, -1.0, 0.9, -0.8])):
        soundfile.write(folder / f"{number}.wav", response, 16000, subtype="FLOAT")
    settings = ["data.features=stream", f"augment.impulse_responses={folder}", "augment.impulse_response_probability=1"]
    train(tmp_path / "run", *settings)
    assert (tmp_path / "run" / "history.csv").read_text() != (streamed_run / "history.csv").read_text()


def test_impulse_responses_need_streamed_features(root, tmp_path, capsys):
    sentence = train_fails(capsys, root, tmp_path / "run", f"augment.impulse_responses={tmp_path}")
    assert "expected data.features=stream with it" in sentence


def test_a_missing_folder_of_impulse_responses(bare, tmp_path, capsys):
    before = sorted(bare.rglob("*"))
    settings = ["data.features=stream", f"augment.impulse_responses={tmp_path / 'nowhere'}"]
    assert f"{tmp_path / 'nowhere'}: no such folder" in train_fails(capsys, bare, tmp_path / "run", *settings)
    assert sorted(bare.rglob("*")) == before
