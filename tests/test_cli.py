"""The command line as a user meets it: outputs, exit codes, one sentence for every mistake and nothing left behind."""

import json
import shutil
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
import soundfile
from processes import in_own_process
from tiny import TINY_SETTINGS

from asc_tf import __version__
from asc_tf.cli import main
from asc_tf.data.waveforms import Cut
from asc_tf.errors import AscError
from asc_tf.models import NAMED_NETWORKS

TRAIN = ["train", "--recipe", "bc-resnet-asc-1-pre-resnorm"]


@pytest.fixture
def root(synthetic_root, tmp_path):
    """A copy of the embedded data set that a test may damage."""
    return shutil.copytree(synthetic_root, tmp_path / "data")


@pytest.fixture
def run(tiny_run, tmp_path):
    return shutil.copytree(tiny_run, tmp_path / "run")


def fails(capsys, *arguments):
    """Run a command that must fail; returns its one sentence."""
    assert main([str(argument) for argument in arguments]) == 1
    lines = [line for line in capsys.readouterr().err.splitlines() if line.startswith("asc-tf: ")]
    assert len(lines) == 1
    return lines[0]


def train_fails(capsys, root, run, *settings):
    sentence = fails(capsys, *TRAIN, "--data", root, "--run", run, "--set", *TINY_SETTINGS, *settings)
    assert not run.exists(), "a failed start leaves no run folder behind"
    assert not [path for path in root.rglob("*") if path.name.startswith(".part")]
    return sentence


def test_version(capsys):
    assert main(["--version"]) == 0 and capsys.readouterr().out == f"asc-tf {__version__}\n"


def test_command_line_without_arguments_or_with_a_wrong_one_is_usage(capsys):
    for arguments in ([], ["trian"], ["train", "--data"]):
        with pytest.raises(SystemExit) as stop:
            main(arguments)
        assert stop.value.code == 2


def test_recipes_are_listed_with_table_and_score(capsys):
    assert main(["recipes"]) == 0
    out = capsys.readouterr().out
    assert "bc-resnet-asc-1-pre-resnorm" in out and "67.1 ± 0.8" in out and "table 3" in out


def test_train_writes_a_whole_run_and_prints_the_device_table(synthetic_root, tmp_path, capsys):
    run = tmp_path / "run"
    assert main([*TRAIN, "--data", str(synthetic_root), "--run", str(run), "--set", *TINY_SETTINGS]) == 0
    out, err = capsys.readouterr()
    assert out.splitlines()[0].split() == ["A", "B", "C", *(f"S{i}" for i in range(1, 7)), "seen", "unseen", "all"]
    assert "epoch 2/2" in err
    expected = {"config.json", "dataset.json", "checkpoints", "history.csv", "last.keras", "best.keras",
                "predictions.csv", "metrics.json", "devices.csv", "scenes.csv", "confusion.csv"}  # fmt: skip
    assert {path.name for path in run.iterdir()} == expected
    metrics = json.loads((run / "metrics.json").read_text())
    assert metrics["devices"]["all"]["clips"] == 90 and metrics["devices"]["unseen"]["clips"] == 30
    assert np.sum(metrics["confusion"]["clips"]) == 90


def test_the_same_command_again_trains_nothing_and_prints_the_same(run, synthetic_root, capsys):
    before = (run / "last.keras").stat().st_mtime_ns
    for _ in range(2):
        assert main([*TRAIN, "--data", str(synthetic_root), "--run", str(run), "--set", *TINY_SETTINGS]) == 0
    out, err = capsys.readouterr()
    first, second = out[: len(out) // 2], out[len(out) // 2 :]
    assert first == second and "epoch" not in err
    assert (run / "last.keras").stat().st_mtime_ns == before


def test_evaluate_repeats_the_table_from_the_kept_predictions(run, capsys):
    (run / "metrics.json").unlink()
    assert main(["evaluate", str(run)]) == 0
    assert "unseen" in capsys.readouterr().out and (run / "metrics.json").is_file()


def test_evaluate_on_another_data_set_counts_its_devices_as_unseen(run, root, capsys):
    for file in ("meta.csv", "evaluation_setup/fold1_evaluate.csv"):
        path = root / file
        path.write_text(path.read_text().replace("-s6.wav", "-phone.wav").replace("\ts6\n", "\tphone\n"))
    for path in (root / "audio").glob("*-s6.wav"):
        path.rename(str(path).replace("-s6.wav", "-phone.wav"))
    assert main(["evaluate", str(run), "--data", str(root)]) == 0
    assert "PHONE" in capsys.readouterr().out
    metrics = json.loads((run / "on-data" / "metrics.json").read_text())
    assert metrics["devices"]["unseen"]["clips"] == 30


def test_seeds_are_trained_once_and_summed_up(run, capsys):
    for _ in range(2):
        assert main(["evaluate", str(run), "--seeds", "2"]) == 0
    out, err = capsys.readouterr()
    assert out.count("seed 0") == 2 and out.count("±") % 2 == 0 and out.count("±") >= 40
    assert err.count("epoch 2/2") == 1
    assert (run / "seeds" / "1" / "last.keras").is_file() and (run / "seeds.csv").is_file()


def test_predict_prints_the_most_likely_scenes(tiny_file, synthetic_root, capsys):
    clip = next((synthetic_root / "audio").glob("park*"))
    assert main(["predict", str(tiny_file), str(clip), "--top", "2"]) == 0
    line = capsys.readouterr().out
    assert line.startswith(f"{clip}: ") and line.count("%") == 2
    assert main(["predict", str(tiny_file), str(clip), "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert len(answer["probabilities"]) == 10 and sum(answer["probabilities"].values()) == pytest.approx(1, abs=1e-5)
    assert answer["scene"] == max(answer["probabilities"], key=answer["probabilities"].get)


def test_predict_names_the_bad_file_and_still_classifies_the_others(tiny_file, synthetic_root, tmp_path, capsys):
    good = next((synthetic_root / "audio").glob("bus*"))
    bad = tmp_path / "bad.wav"
    bad.write_bytes(b"RIFF")
    assert main(["predict", str(tiny_file), str(bad), str(good)]) == 1
    out, err = capsys.readouterr()
    assert out.startswith(str(good)) and f"asc-tf: {bad}: cannot be decoded" in err
    assert "1 of 2 files could not be classified" in err


def test_predict_loads_no_tensorflow(tiny_file, synthetic_root):
    clip = next((synthetic_root / "audio").glob("bus*"))
    code = (
        "import sys, asc_tf.cli\n"
        f"assert asc_tf.cli.main(['predict', {str(tiny_file)!r}, {str(clip)!r}]) == 0\n"
        "assert not {'tensorflow', 'tf_keras', 'pandas'} & set(sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0 and done.stderr == ""


# Mistakes: data


def test_missing_data_folder(tmp_path, capsys):
    sentence = fails(capsys, *TRAIN, "--data", tmp_path / "nowhere", "--run", tmp_path / "run")
    assert f"{tmp_path / 'nowhere'}: no such folder" in sentence and not (tmp_path / "run").exists()


def test_metadata_without_a_needed_column(root, tmp_path, capsys):
    (root / "meta.csv").write_text((root / "meta.csv").read_text().replace("source_label", "recorder"))
    sentence = train_fails(capsys, root, tmp_path / "run")
    assert "meta.csv: has no column 'source_label'; found filename, scene_label, identifier, recorder" in sentence


def test_clip_in_a_split_and_not_on_disk(root, tmp_path, capsys):
    clip = next((root / "audio").glob("*-s5.wav"))
    clip.unlink()
    assert f"audio/{clip.name}: named in the metadata and not on disk" in train_fails(capsys, root, tmp_path / "run")


def damage_empty(path):
    path.write_bytes(b"")


def damage_truncate(path):
    path.write_bytes(path.read_bytes()[:-3000])


def damage_text(path):
    path.write_text("this is not audio")


def damage_nan(path):
    samples, rate = soundfile.read(path, dtype="float32")
    samples[1234] = np.nan
    soundfile.write(path, samples, rate, subtype="FLOAT")


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (damage_empty, "the file is empty"),
        (damage_truncate, "truncated"),
        (damage_text, "cannot be decoded as audio"),
        (damage_nan, "sample 1234 is not a finite number"),
    ],
)
@pytest.mark.parametrize("which", ["first", "last"])
def test_unreadable_training_clip_is_named(root, tmp_path, capsys, damage, message, which):
    names = (root / "evaluation_setup" / "fold1_train.csv").read_text().splitlines()[1:]
    path = root / names[0 if which == "first" else -1].split("\t")[0]
    damage(path)
    sentence = train_fails(capsys, root, tmp_path / "run")
    assert path.name in sentence and message in sentence


def test_unknown_scene_at_evaluation(run, root, capsys):
    for file in ("meta.csv", "evaluation_setup/fold1_evaluate.csv"):
        path = root / file
        path.write_text(path.read_text().replace("\tpark", "\tforest"))
    assert "scene 'forest' is unknown to the network; it knows airport" in fails(
        capsys, "evaluate", run, "--data", root
    )


def test_device_left_blank_at_evaluation(run, root, capsys):
    path = root / "meta.csv"
    path.write_text(path.read_text().replace("\ts4\n", "\t\n"))
    assert "has no source_label" in fails(capsys, "evaluate", run, "--data", root)


def test_check_counts_and_exits_with_one_on_problems(root, capsys):
    assert main(["data", "check", str(root)]) == 0
    assert "train 40 / test 90" in capsys.readouterr().out
    next((root / "audio").glob("*-a.wav")).unlink()
    assert "not on disk" in fails(capsys, "data", "check", root)


@pytest.mark.shared
def test_check_of_the_real_tau_2020_metadata(shared, capsys):
    assert main(["data", "check", str(shared / "tau_meta" / "2020_mobile"), "--metadata-only"]) == 0
    out = capsys.readouterr().out
    assert "train 13,962 / test 2,968" in out
    assert ["a", "10215", "330", "3855"] in [line.split() for line in out.splitlines()]


@pytest.mark.shared
def test_predict_on_the_real_tau_clip(tiny_file, shared, capsys):
    assert main(["predict", str(tiny_file), str(shared / "tau_audio" / "metro_station-paris.wav")]) == 0
    assert capsys.readouterr().out.count("%") == 3


# Mistakes: settings and run folders


def test_unknown_recipe_and_setting_name_the_nearest(root, tmp_path, capsys):
    arguments = ["--data", root, "--run", tmp_path / "run"]
    sentence = fails(capsys, "train", *arguments, "--recipe", "bc-resnet-asc1")
    assert "--recipe bc-resnet-asc1: no such recipe; did you mean 'bc-resnet-asc-1'?" in sentence
    sentence = fails(capsys, *TRAIN, *arguments, "--set", "train.epoch=3")
    assert "--set train.epoch: no such setting; did you mean 'train.epochs'?" in sentence


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("model.sub_bands=3", "the network's settings do not fit together: SubSpectralNormalization"),
        ("model.depth=2,2", "the network's settings do not fit together: depth is (2, 2)"),
        ("frontend.hop_ms=300", "the frontend's settings do not fit together: window_ms is 130.0 and hop_ms 300.0"),
        ("frontend.mel_bins=2000", "the frontend's settings do not fit together: 2000 mel bins are too many"),
    ],
)
def test_settings_that_do_not_fit_together(root, tmp_path, capsys, setting, message):
    assert message in train_fails(capsys, root, tmp_path / "run", setting)


def test_run_folder_of_other_settings(run, synthetic_root, capsys):
    sentence = fails(
        capsys, *TRAIN, "--data", synthetic_root, "--run", run, "--set", *TINY_SETTINGS, "model.lambda_=0.3"
    )
    assert "holds a run of other settings (model.lambda_: 0.1 and 0.3)" in sentence


def test_run_folder_of_another_data_set(run, root, capsys):
    sentence = fails(capsys, *TRAIN, "--data", root, "--run", run, "--set", *TINY_SETTINGS)
    assert f"{run}: is a run on " in sentence and f"not on {root}" in sentence


def test_data_that_changed_since_the_run_began(run, synthetic_root, capsys):
    (run / "last.keras").unlink()
    path = run / "dataset.json"
    dataset = json.loads(path.read_text())
    path.write_text(json.dumps({**dataset, "feature_mean": dataset["feature_mean"] + 0.1}))
    sentence = fails(capsys, *TRAIN, "--data", synthetic_root, "--run", run, "--set", *TINY_SETTINGS)
    assert "the data set has changed since the run began" in sentence


def test_a_run_that_was_killed_before_its_first_epoch_begins_anew(run, synthetic_root, tmp_path):
    fresh = tmp_path / "fresh"
    fresh.mkdir()
    (fresh / ".part-config.json").write_text("{")
    assert main([*TRAIN, "--data", str(synthetic_root), "--run", str(fresh), "--set", *TINY_SETTINGS]) == 0
    only_config = tmp_path / "only_config"
    only_config.mkdir()
    shutil.copy(run / "config.json", only_config)
    assert main([*TRAIN, "--data", str(synthetic_root), "--run", str(only_config), "--set", *TINY_SETTINGS]) == 0


def test_full_development_split_trains_on_all_clips_and_is_not_evaluated(synthetic_root, tmp_path, capsys):
    run = tmp_path / "run"
    settings = [*TINY_SETTINGS, "data.split=full", "data.validation_fraction=0"]
    assert main([*TRAIN, "--data", str(synthetic_root), "--run", str(run), "--set", *settings]) == 0
    out, err = capsys.readouterr()
    assert out == "" and "130 training and 0 validation clips" in err and "nothing is left to evaluate on" in err
    assert json.loads((run / "dataset.json").read_text())["seen_devices"][-1] == "s6"
    assert "was trained on the test part too" in fails(capsys, "evaluate", run)


def test_run_folder_that_is_something_else(synthetic_root, tmp_path, capsys):
    (tmp_path / "thesis.txt").write_text("mine")
    sentence = fails(capsys, *TRAIN, "--data", synthetic_root, "--run", tmp_path, "--set", *TINY_SETTINGS)
    assert "is not empty and holds no run" in sentence and [p.name for p in tmp_path.iterdir()] == ["thesis.txt"]


@pytest.mark.parametrize("command", ["evaluate", "export"])
def test_commands_on_a_folder_that_is_no_run(tmp_path, capsys, command):
    assert "config.json: no such file; expected a run folder" in fails(capsys, command, tmp_path)


def test_commands_on_an_unfinished_run(run, capsys):
    (run / "last.keras").unlink()
    (run / "predictions.csv").unlink()
    for command in ("evaluate", "export"):
        assert "its training has not ended" in fails(capsys, command, run)


def test_damaged_model_file(run, capsys):
    (run / "last.keras").write_bytes(b"PK nothing")
    (run / "predictions.csv").unlink()
    assert "last.keras: cannot be loaded" in fails(capsys, "evaluate", run)


def test_impossible_flags(run, tiny_file, capsys):
    assert "--seeds 0" in fails(capsys, "evaluate", run, "--seeds", 0)
    assert "--top 0" in fails(capsys, "predict", tiny_file, "x.wav", "--top", 0)


def test_synth_refuses_a_folder_with_something_in_it(tmp_path, capsys):
    (tmp_path / "x").write_text("mine")
    assert str(tmp_path) in fails(capsys, "data", "synth", tmp_path)


def test_read_only_recordings_keep_their_features_in_the_run_folder(root, tmp_path, monkeypatch):
    shutil.rmtree(root / "features", ignore_errors=True)
    run = tmp_path / "run"
    monkeypatch.setattr("os.access", lambda path, mode: str(path) != str(root))
    assert main([*TRAIN, "--data", str(root), "--run", str(run), "--set", *TINY_SETTINGS]) == 0
    assert len(list((run / "features").iterdir())) == 1 and not (root / "features").exists()


# Features


@pytest.fixture
def bare(root):
    """Recordings without features."""
    shutil.rmtree(root / "features", ignore_errors=True)
    return root


def rows(root):
    """Names of the clips whose features are kept."""
    return {name.decode() for path in root.rglob("[0-9]*.npy") for name in np.load(path)["filename"]}


def test_features_are_computed_once_counted_and_shown_where_they_are(bare, capsys):
    assert main(["features", str(bare)]) == 0
    out, err = capsys.readouterr()
    (folder,) = (bare / "features").iterdir()
    assert out == f"130 clips, 256 mel bins x 34 frames each, in {folder}\n" and err == ""
    assert folder.name == "logmel-bf8808c3a79f179e", "with another name all users compute their features anew"
    before = {path: path.stat().st_mtime_ns for path in folder.iterdir()}
    assert main(["features", str(bare), "--workers", "1"]) == 0
    assert capsys.readouterr() == (out, "")
    assert {path: path.stat().st_mtime_ns for path in folder.iterdir()} == before and len(rows(bare)) == 130
    assert main(["features", str(bare), "--frontend", "tau2022"]) == 0
    assert "256 mel bins x 32 frames each" in capsys.readouterr().out and len(list((bare / "features").iterdir())) == 2
    assert main(["features", str(bare), "--frontend", "tau2020-pcen"]) == 0
    assert f"34 frames each, in {bare / 'features' / 'pcen-'}" in capsys.readouterr().out


def test_a_training_uses_the_features_that_were_computed_before(bare, tmp_path, capsys, monkeypatch):
    assert main(["features", str(bare)]) == 0

    def stop(*arguments, **options):
        raise AscError("far enough")

    monkeypatch.setattr(Cut, "load", lambda cut, path: pytest.fail("computes features again"))
    monkeypatch.setattr("asc_tf.stages.features.mean_and_std", stop)
    assert fails(capsys, *TRAIN, "--data", bare, "--run", tmp_path / "run") == "asc-tf: far enough"


def test_features_of_a_clip_that_cannot_be_read(bare, capsys):
    clip = next((bare / "audio").glob("*-s5.wav"))
    clip.write_bytes(b"")
    sentence = fails(capsys, "features", bare)
    assert sentence.startswith(f"asc-tf: {clip}: the file is empty; 1 of 130 clips cannot be used")
    assert len(rows(bare)) == 129 and f"audio/{clip.name}" not in rows(bare)
    (table,) = bare.rglob("unreadable.csv")
    assert str(table) in sentence and pd.read_csv(table).filename.tolist() == [f"audio/{clip.name}"]


@pytest.mark.parametrize("workers", [0, -1])
def test_features_with_an_impossible_number_of_workers(bare, capsys, workers):
    assert f"--workers {workers}: expected 1 or more" in fails(capsys, "features", bare, "--workers", workers)
    assert not (bare / "features").exists()


def test_features_of_an_unknown_frontend_or_folder(bare, tmp_path, capsys):
    with pytest.raises(SystemExit) as stop:
        main(["features", str(bare), "--frontend", "tau2021"])
    assert stop.value.code == 2 and not (bare / "features").exists()
    assert f"{tmp_path / 'nowhere'}: no such folder" in fails(capsys, "features", tmp_path / "nowhere")


def test_features_of_a_data_set_without_training_clips(bare, capsys):
    path = bare / "evaluation_setup" / "fold1_train.csv"
    path.write_text(path.read_text().splitlines()[0] + "\n")
    assert f"{bare}" in fails(capsys, "features", bare)


# Evaluation of pieces


def files(folder):
    return {path: path.read_bytes() for path in folder.iterdir() if path.is_file()}


def test_pieces_are_evaluated_beside_the_whole_clips(run, capsys):
    before = files(run)
    assert main(["evaluate", str(run), "--seconds", "0.5"]) == 0
    assert "unseen" in capsys.readouterr().out and files(run) == before
    names = {path.name for path in (run / "pieces-0.5s").iterdir()}
    assert names == {"metrics.json", "devices.csv", "scenes.csv", "confusion.csv"}
    metrics = json.loads((run / "pieces-0.5s" / "metrics.json").read_text())
    assert metrics["devices"]["all"]["clips"] == 180 and metrics["devices"]["s4"]["clips"] == 20


def test_one_piece_is_the_whole_clip(run, root, capsys):
    assert main(["evaluate", str(run), "--seconds", "1"]) == 0
    pieces, whole = (json.loads((folder / "metrics.json").read_text()) for folder in (run / "pieces-1s", run))
    assert pieces["confusion"] == whole["confusion"]
    for device, values in whole["devices"].items():
        assert pieces["devices"][device] == pytest.approx(values)
    assert main(["evaluate", str(run), "--seconds", "0.25", "--data", str(root)]) == 0
    metrics = json.loads((run / "on-data-0.25s" / "metrics.json").read_text())
    assert metrics["devices"]["all"]["clips"] == 360


@pytest.mark.parametrize(
    ("seconds", "message"),
    [
        ("99", "pieces of 99 s were asked for; the clips last 1 s"),
        ("0", "a length of 0 s was asked for"),
        ("-1", "a length of -1 s was asked for"),
        ("nan", "a length of nan s was asked for"),
    ],
)
def test_pieces_of_an_impossible_length(run, capsys, seconds, message):
    before = files(run)
    assert message in fails(capsys, "evaluate", run, "--seconds", seconds)
    assert files(run) == before and not list(run.glob("pieces-*"))


def test_pieces_and_seeds_do_not_go_together(run, capsys):
    assert "only without --data and --seconds" in fails(capsys, "evaluate", run, "--seconds", 0.5, "--seeds", 2)


# Devices that are left out


def test_devices_are_left_out_in_turn(run, capsys, monkeypatch):
    monkeypatch.setattr("asc_tf.stages.evaluate_left_out_devices", lambda run, report: f"table of {run}")
    assert main(["evaluate", str(run), "--leave-device-out"]) == 0
    assert capsys.readouterr().out == f"table of {run}\n"


@pytest.mark.parametrize("other", [["--seeds", 2], ["--seconds", 0.5], ["--data", "x"]])
def test_leaving_devices_out_goes_with_no_other_flag(run, capsys, other):
    sentence = fails(capsys, "evaluate", run, "--leave-device-out", *other)
    assert "--leave-device-out: expected without --data, --seconds and --seeds" in sentence


def test_leaving_out_an_unknown_device_names_those_with_training_clips(root, tmp_path, capsys):
    sentence = train_fails(capsys, root, tmp_path / "run", "data.leave_out=s4")
    expected = "setting data.leave_out is s4; expected devices with training clips: a, b, c, s1, s2, s3"
    assert sentence == f"asc-tf: {expected}"


# Features that are streamed


def train_arguments(root, run, *settings):
    return [*TRAIN, "--data", str(root), "--run", str(run), "--deterministic", "--set", *TINY_SETTINGS, *settings]


@pytest.fixture(scope="module")
def streamed_run(synthetic_root, tmp_path_factory):
    """A run that was trained on streamed features. Do not change it: copy it."""
    run = tmp_path_factory.mktemp("streamed") / "run"
    assert in_own_process(main, train_arguments(synthetic_root, run, "data.features=stream")) == 0
    return run


def test_streamed_features_train_the_same_network_as_kept_ones(streamed_run, root, tmp_path, synthetic_root):
    assert in_own_process(main, train_arguments(synthetic_root, tmp_path / "kept")) == 0
    for name in ("predictions.csv", "metrics.json", "history.csv"):
        assert (tmp_path / "kept" / name).read_text() == (streamed_run / name).read_text()
    assert not list(streamed_run.rglob("*.npy"))


def test_a_streamed_run_that_goes_on_spares_the_pass_for_the_statistics(
    streamed_run, synthetic_root, tmp_path, monkeypatch
):
    run = shutil.copytree(streamed_run, tmp_path / "run")
    (run / "last.keras").unlink()
    (run / "predictions.csv").unlink()
    monkeypatch.setattr(
        "asc_tf.stages.features.mean_and_std", lambda *arguments, **options: pytest.fail("reads all recordings again")
    )
    assert main(train_arguments(synthetic_root, run, "data.features=stream")) == 0
    assert (run / "predictions.csv").read_text() == (streamed_run / "predictions.csv").read_text()


@pytest.mark.parametrize("damage", [damage_empty, damage_truncate])
def test_a_streamed_training_names_the_clip_that_cannot_be_read(root, tmp_path, capsys, damage):
    names = (root / "evaluation_setup" / "fold1_train.csv").read_text().splitlines()[1:]
    path = root / names[7].split("\t")[0]
    damage(path)
    assert str(path) in train_fails(capsys, root, tmp_path / "run", "data.features=stream")


def test_a_streamed_training_hears_impulse_responses(streamed_run, synthetic_root, tmp_path):
    folder = tmp_path / "responses"
    folder.mkdir()
    for number, response in enumerate(([1.0, 0.9, 0.8], [0.2, -1.0, 0.9, -0.8])):
        soundfile.write(folder / f"{number}.wav", response, 16000, subtype="FLOAT")
    settings = ["data.features=stream", f"augment.impulse_responses={folder}", "augment.impulse_response_probability=1"]
    assert in_own_process(main, train_arguments(synthetic_root, tmp_path / "run", *settings)) == 0
    assert (tmp_path / "run" / "history.csv").read_text() != (streamed_run / "history.csv").read_text()


def test_impulse_responses_need_streamed_features(root, tmp_path, capsys):
    sentence = train_fails(capsys, root, tmp_path / "run", f"augment.impulse_responses={tmp_path}")
    assert "augment.impulse_responses treats waveforms, which needs data.features=stream" in sentence


def test_a_missing_folder_of_impulse_responses(bare, tmp_path, capsys):
    before = sorted(bare.rglob("*"))
    settings = ["data.features=stream", f"augment.impulse_responses={tmp_path / 'nowhere'}"]
    assert f"{tmp_path / 'nowhere'}: no such folder" in train_fails(capsys, bare, tmp_path / "run", *settings)
    assert sorted(bare.rglob("*")) == before


def test_complexity_of_a_run_its_file_and_a_named_network(tiny_run, tiny_file, capsys):
    accounts = []
    for target in (tiny_run, tiny_run / "last.keras", tiny_file):
        assert main(["complexity", str(target), "--seconds", "1", "--json"]) == 0
        accounts.append(json.loads(capsys.readouterr().out))
    run, keras_file, tflite = (account["parts"]["network"] for account in accounts)
    assert run == keras_file and run["macs"] == tflite["macs"] > 0
    assert [rule["year"] for rule in accounts[0]["rules"]] == [2021, 2022, 2023, 2024]
    assert main(["complexity", "bc-resnet-asc-1"]) == 0
    text = capsys.readouterr().out
    assert "19,562,940" in text and "109" in text and "stem" in text


@pytest.mark.parametrize(
    ("target", "parts"),
    [
        ("bc-resnet-asc-9", ("bc-resnet-asc-9", "did you mean 'bc-resnet-asc-8'?")),
        ("nothing.keras", ("nothing.keras: no such file",)),
        ("nothing.tflite", ("nothing.tflite: cannot be read",)),
    ],
)
def test_complexity_of_what_is_not_there(capsys, target, parts):
    sentence = fails(capsys, "complexity", target)
    assert all(part in sentence for part in parts)


def test_models_are_listed_with_their_counts(capsys, monkeypatch):
    names = ("bc-resnet-asc-1", "cp-mobile")
    monkeypatch.setattr("asc_tf.models.NAMED_NETWORKS", {name: NAMED_NETWORKS[name] for name in names})
    assert main(["models"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 4 and "8,055" in lines[1] and "109x109" in lines[1]
    assert "61,148" in lines[2] and "29.42 M" in lines[2]


@pytest.mark.parametrize(
    ("settings", "parts"),
    [
        (["model.rho=7"], ("model.rho is 7", "bc-resnet-asc has no such setting")),
        (["model.network=cp-mobile", "model.norm_position=all"], ("model.norm_position is all", "cp-mobile")),
        (["model.norm_position=stages"], ("norm_position is 'stages'; expected one of none, input, all",)),
    ],
)
def test_settings_that_the_network_does_not_have(synthetic_root, tmp_path, capsys, settings, parts):
    recipe = ["--recipe", "bc-resnet-asc-1"] if len(settings) == 1 else ["--recipe", "bc-resnet-asc-1-resnorm"]
    sentence = fails(capsys, "train", "--data", synthetic_root, "--run", tmp_path / "run", *recipe, "--set", *settings)
    assert all(part in sentence for part in parts)
    assert not (tmp_path / "run").exists()
