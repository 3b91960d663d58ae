"""Flags of asc-tf launch and train --strategy; what they train is in tests/training/test_replicas.py."""

import pytest

from asc_tf.cli import main
from asc_tf.cli.launch import separated
from asc_tf.distributed import launcher

TRAIN = ["train", "--data", "TAU", "--run", "RUN"]


def test_flags_behind_train_are_not_launchs():
    assert separated(["launch", "--workers", "3", *TRAIN]) == ["launch", "--workers", "3", "--", *TRAIN]
    assert separated(TRAIN) == TRAIN and separated(["launch", "--help"]) == ["launch", "--help"]


@pytest.mark.parametrize("flags", [[], ["--trusted-network"]])
def test_launch_runs_the_command_as_workers_and_exits_as_it_does(monkeypatch, tmp_path, flags):
    given = []

    def launch(command, workers, progress, report, trusted_network):
        given.extend([command, workers, trusted_network, progress()])
        (tmp_path / "checkpoints" / "epoch-0001").mkdir(parents=True)
        given.append(progress())
        return 1

    monkeypatch.setattr(launcher, "launch", launch)
    monkeypatch.setattr("signal.signal", lambda *_: None)
    monkeypatch.setattr("asc_tf.cli.train.Train.check", lambda self: None)  # there is no data set TAU
    train = ["train", "--data", "TAU", "--run", str(tmp_path), *flags, "--set", "train.epochs=60"]
    with pytest.raises(SystemExit) as end:
        main(["launch", "--workers", "3", *train])
    command, workers, trusted, before, after = given
    assert end.value.code == 1 and workers == 3
    assert trusted == ("--trusted-network" in flags)
    assert command[1:] == ["-m", "asc_tf", "train", "--strategy", "multi_worker", *train[1:]]
    assert before == [] and after == [str(tmp_path / "checkpoints" / "epoch-0001")]


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--workers", "0", *TRAIN], "--workers 0: expected a value from 1 to 4,096"),
        (["--", "evaluate", "RUN"], "launch: is given 'evaluate'; expected train and its flags"),
        (
            [*TRAIN, "--strategy", "mirrored"],
            "--strategy: is given; expected none, because launch chooses multi_worker",
        ),
    ],
)
def test_what_launch_cannot_run(capsys, arguments, sentence):
    assert main(["launch", *arguments]) == 1
    assert sentence in capsys.readouterr().err


def test_a_wrong_flag_of_train_is_shown_once(capsys):
    with pytest.raises(SystemExit) as end:
        main(["launch", "train", "--data", "TAU", "--run"])
    assert end.value.code == 2


def test_multi_worker_without_a_cluster(monkeypatch, capsys):
    monkeypatch.delenv("TF_CONFIG", raising=False)
    assert main([*TRAIN, "--strategy", "multi_worker"]) == 1
    assert capsys.readouterr().err.startswith("asc-tf: TF_CONFIG is not set; expected {")


def test_a_trusted_network_is_for_workers(capsys):
    assert main([*TRAIN, "--trusted-network"]) == 1
    assert "expected --strategy multi_worker as well" in capsys.readouterr().err


@pytest.mark.slow
def test_one_device_trains_as_one_process(train_smallest, eager, synthetic_root, tmp_path, capsys):
    """A mirrored strategy of one replica: nothing is shared."""
    settings = ["--set", "train.epochs=1", "train.warmup_epochs=0"]
    run = ["--data", str(synthetic_root), "--run", str(tmp_path / "run"), "--strategy", "mirrored"]
    assert main([*train_smallest, *run, *settings]) == 0
    assert "epoch 1/1" in capsys.readouterr().err and (tmp_path / "run" / "metrics.json").is_file()
