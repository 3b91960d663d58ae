import pytest

from asc_tf.cli import main

FLAGS = ["search", "--space", "lambda,width=4:8", "--budget", "bytes=24KB", "--set", "data.validation_fraction=0.4"]


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (["--chief", "localhost:1", "--worker", "localhost:1"], "--chief and --worker: are both given"),
        (["--chief", "127.0.0.1"], "--chief 127.0.0.1: expected HOST:PORT, such as 127.0.0.1:5000"),
        (["--chief", ":5000"], "--chief :5000: expected HOST:PORT"),
        (["--worker", "127.0.0.1:99999"], "--worker 127.0.0.1:99999: expected HOST:PORT"),
        (["--space", "lamda"], "--space lamda: cannot be searched; did you mean 'lambda'?"),
        (["--budget", "24KB"], "--budget 24KB: '24KB' is no limit; expected 2021, 2022, 2024, 2025 or limits such as"),
        (["--recipe", "nothing.json"], "--recipe nothing.json: cannot be read (No such file or directory)"),
        (["--data", "nowhere"], "nowhere"),
    ],
)
def test_a_mistake_is_one_sentence(synthetic_root, tmp_path, capsys, more, message):
    flags = [*FLAGS, "--data", str(synthetic_root), "--out", str(tmp_path / "out"), *more]
    assert main(flags) == 1
    said = capsys.readouterr().err
    assert message in said and "Traceback" not in said and not (tmp_path / "out").exists()
