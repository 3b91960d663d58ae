"""The page of `asc-tf report`: whole, safe, complete; its tables; its command."""

import dataclasses
import shlex
import shutil
import subprocess

import numpy as np
import pytest
from report_pages import FEW_PICTURES_BYTES, HOSTILE, Page, table

from asc_tf import stages
from asc_tf.cli import main, parse
from asc_tf.evidence.series import shown_range
from asc_tf.experiment.dataset import Dataset
from asc_tf.experiment.run_folder import read_run
from asc_tf.report import clips, files
from asc_tf.runtime.frontend import NumpyLogMel, NumpyPcen
from asc_tf.stages.reporting import gather


@pytest.fixture(scope="module", autouse=True)
def few_pictures():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("asc_tf.report.page.EMBEDDED_BYTES", FEW_PICTURES_BYTES)
        yield


@pytest.fixture(scope="module")
def page(reported_run):
    return stages.write_report([reported_run])


def test_a_page_is_whole_and_fetches_nothing(page):
    found = Page(page.read_text(encoding="utf-8"))
    assert found.elements.count("audio") == found.elements.count("img") >= 1
    assert found.elements.count("svg") == 4, "devices, confusion, reliability, curves"
    for words in ("Devices", "Learning curves", "epoch", "accuracy (%)", "log loss (nats)", "confidence (%)",
                  "predicted scene", "DCASE 2021", "model.tflite", "train.epochs", "asc-tf train", "ECE"):  # fmt: skip
        assert words in found.text, words


def test_names_of_others_are_text_alone(page):
    text = page.read_text(encoding="utf-8")
    assert "<script" not in text and HOSTILE in Page(text).text
    assert "<script" not in page.with_suffix(".md").read_text(encoding="utf-8")
    assert HOSTILE in set(table(page.with_suffix(".csv")).device)


def test_charts_take_their_colours_from_the_page_and_differ_without_them(page):
    text = page.read_text(encoding="utf-8")
    assert "prefers-color-scheme: dark" in text and "#0102" not in text
    assert "var(--series-1)" in text and "<pattern" in text and "stroke-dasharray" in text


def test_beyond_the_limit_clips_are_named_by_their_paths(reported_run, synthetic_root):
    findings = gather(reported_run)
    (first, *others) = clips.wrong_clips(findings, limit=1)
    assert first.log_loss >= max((clip.log_loss for clip in others), default=0)
    assert not any(clip.sound or clip.picture for clip in (first, *others))
    assert first.path.startswith(str(synthetic_root)) and not first.problem


def test_a_run_whose_recordings_are_gone_is_reported_without_sound(reported_run, tmp_path):
    findings = gather(reported_run)
    moved = dataclasses.replace(findings, dataset=dataclasses.replace(findings.dataset, root=str(tmp_path / "gone")))
    found = clips.wrong_clips(moved)
    assert len(found) == len(findings.wrong) and all("gone: no such folder" in clip.problem for clip in found)


def test_pictures_show_what_the_runs_own_frontend_gives(reported_run):
    findings = gather(reported_run)
    findings = dataclasses.replace(findings, predictions=findings.wrong[:1])
    settings = ["frontend.compression=pcen"]
    (first, *_), (other, *_) = (
        clips.wrong_clips(dataclasses.replace(findings, config=findings.config.with_settings(more)))
        for more in ([], settings)
    )
    assert first.sound == other.sound and first.picture != other.picture
    image, low = np.array([[-30.0, 0.0], [np.nan, 1.0]]), 1 - 80 * np.log(10) / 10
    assert shown_range(image, NumpyLogMel.decibels_per_unit) == (pytest.approx(low), 1)
    assert shown_range(image, NumpyPcen.decibels_per_unit) == (-30, 1)


def test_every_exported_file_is_timed(smallest_file, tmp_path, monkeypatch):
    shutil.copy(smallest_file, tmp_path / "a.tflite")
    (tmp_path / "b.onnx").write_bytes(b"no ONNX")
    monkeypatch.setattr(files, "onnx_inference", lambda content: {b"no ONNX": int}[content])
    dataset = Dataset(str(tmp_path), ("park",), ("a",), 1.0, [], [])
    tflite, onnx = files.exported_files(tmp_path, dataset)
    assert tflite.latency_ms > 0 and tflite.account and onnx.latency_ms > 0 and not onnx.problem
    monkeypatch.undo()
    (tmp_path / "a.tflite").write_bytes(b"no file")
    for file in files.exported_files(tmp_path, dataset):
        assert file.latency_ms is None and file.name in file.problem


def test_the_command_repeats_the_run(reported_run):
    words = shlex.split(gather(reported_run).command)
    root, config = parse(words[1:]).check()
    recorded, dataset = read_run(reported_run)
    assert not recorded.differences(config) and str(root) == dataset.root


@pytest.mark.slow
def test_runs_side_by_side_with_the_spread_of_their_seeds(reported_run, tmp_path):
    other = shutil.copytree(reported_run, tmp_path / "1")
    config = (other / "config.json").read_text().replace('"seed": 0', '"seed": 1')
    (other / "config.json").write_text(config)
    (other / "SHA256SUMS").unlink()
    path = stages.write_report([reported_run, other], tmp_path / "both.html")
    found = Page(path.read_text(encoding="utf-8"))
    assert found.elements.count("svg") == 2 + 2 * 4 and "runs side by side" in found.text
    assert "±" in found.text and "bytes of the smallest file" in found.text
    rows = table(path.with_suffix(".csv"))
    assert set(rows.seed) == {"0", "1"} and rows.method.nunique() == 1
    assert "| method | seeds |" in path.with_suffix(".md").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("flags", "sentence"),
    [
        (["RUN", "RUN"], "one run is named twice"),
        (["RUN", "OTHER"], "OTHER/config.json: no such file"),
        (["RUN", "--out", "page.txt"], "--out page.txt: expected a name that ends in .html"),
        (["nowhere"], "nowhere/config.json: no such file; expected a run folder"),
    ],
)
def test_mistakes(reported_run, capsys, flags, sentence):
    assert main(["report", *(str(reported_run) if flag == "RUN" else flag for flag in flags)]) == 1
    assert sentence in capsys.readouterr().err


@pytest.mark.slow
def test_a_browser_opens_it_without_a_complaint(page, tmp_path):
    if (browser := shutil.which("chromium")) is None:
        pytest.skip("the Debian package chromium is not there")
    for theme in ("0", "1"):  # dark and light
        picture = tmp_path / f"{theme}.png"
        done = subprocess.run(
            [browser, "--headless", "--no-sandbox", "--disable-gpu", "--enable-logging=stderr", "--log-level=0",
             f"--user-data-dir={tmp_path / 'profile'}", "--window-size=1200,3000", f"--screenshot={picture}",
             f"--blink-settings=preferredColorScheme={theme}", page.resolve().as_uri()],
            capture_output=True, text=True, timeout=120,
        )  # fmt: skip
        # What the policy in the page forbids, a request to a host among it, Chromium says on the console.
        assert "CONSOLE" not in done.stderr, done.stderr
        assert picture.stat().st_size > 20_000
