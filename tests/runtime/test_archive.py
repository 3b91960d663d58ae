"""An archive of recordings into shards with Apache Beam: killed, damaged, changed and mistaken."""

import csv
import importlib.util
import json
import os
import shutil
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
import soundfile

from asc_tf.audio.finding import audio_below
from asc_tf.cli import main
from asc_tf.errors import AscError
from asc_tf.runtime import Classifier
from asc_tf.runtime.archive import classify_archive
from asc_tf.runtime.archive_plan import make_plan
from asc_tf.runtime.folder import classify_folder

FILES = 17
needs_beam = pytest.mark.skipif(
    importlib.util.find_spec("apache_beam") is None, reason="Apache Beam is not installed (extra beam)"
)


@pytest.fixture(scope="module")
def recordings(tmp_path_factory):
    """17 recordings of their own sound in three folders."""
    folder = tmp_path_factory.mktemp("archive") / "recordings"
    generator = np.random.default_rng(0)
    for number in range(FILES):
        path = folder / ("", "a b", 'a b/ü, "c"')[number % 3] / f"{number:02}.wav"
        path.parent.mkdir(parents=True, exist_ok=True)
        soundfile.write(path, generator.normal(0, 0.02 * (1 + number % 5), 9000), 16000)
    return folder


@pytest.fixture(scope="module")
def scenes(recordings, file, tmp_path_factory):
    """The bytes that `classify_folder` writes for them."""
    path = tmp_path_factory.mktemp("folder") / "scenes.csv"
    classify_folder(file, recordings, path)
    return path.read_bytes()


@pytest.fixture
def folder(recordings, tmp_path):
    """A copy that a test may change."""
    return shutil.copytree(recordings, tmp_path / "recordings")


def joined(output, kind="scenes"):
    """The bytes of all shards in their order, the columns' names once."""
    parts = [path.read_bytes().split(b"\n", 1) for path in sorted(output.glob(f"{kind}-*.csv"))]
    assert len({head for head, _ in parts}) == 1
    return parts[0][0] + b"\n" + b"".join(rows for _, rows in parts)


def rows(content):
    return list(csv.DictReader(content.decode().splitlines()))


def predict(file, *arguments):
    return main(["predict", str(file), *map(str, arguments)])


@pytest.mark.slow
@needs_beam
def test_the_shards_together_are_what_classify_folder_writes(recordings, file, tmp_path, scenes, capsys):
    output = tmp_path / "out"
    assert predict(file, recordings, "--output", output, "--shards", 4) == 0
    out, err = capsys.readouterr()
    assert out == f"{FILES} of {FILES} files in {output}\n" and err == ""
    assert joined(output) == scenes
    assert joined(output, "failures") == b"file,error\n"
    names = [f"{kind}-0000{k}-of-00004.csv" for kind in ("failures", "scenes") for k in range(4)]
    assert sorted(os.listdir(output)) == ["SHA256SUMS", *names[:4], "files.jsonl", "manifest.json", *names[4:]]
    assert {len(rows((output / name).read_bytes())) for name in names[4:]} == {4, 5}


@needs_beam
def test_what_is_skipped_is_said_at_the_end(folder, file, tmp_path, scenes, capsys):
    (folder / "notes.txt").write_text("no sound")
    (folder / "loop").symlink_to(folder)
    assert predict(file, folder, "--output", tmp_path / "out", "--shards", 2) == 0
    said = f"{folder}: 1 file skipped: 1 .txt; 1 link to folders that are searched anyway\n"
    assert capsys.readouterr().err == said and joined(tmp_path / "out") == scenes


@needs_beam
@pytest.mark.parametrize("shards", [1, FILES + 3])
def test_any_number_of_shards_is_possible(recordings, file, tmp_path, scenes, shards):
    assert classify_archive(file, recordings, tmp_path, shards) == (FILES, [])
    assert joined(tmp_path) == scenes and len(list(tmp_path.glob("scenes-*"))) == shards


@needs_beam
@pytest.mark.parametrize(
    "options",
    [
        ("direct_running_mode=multi_threading", "direct_num_workers=2"),
        ("runner=PortableRunner", "job_endpoint=embed", "environment_type=LOOPBACK"),  # as of a cluster, over gRPC
    ],
    ids=["threads", "job server"],
)
def test_other_runners_and_modes_are_reached_by_beams_options(recordings, file, tmp_path, scenes, options):
    classify_archive(file, recordings, tmp_path, 5, beam=options)
    assert joined(tmp_path) == scenes


@needs_beam
def test_nothing_else_is_printed_and_no_tensorflow_loaded(recordings, file, tmp_path, scenes):
    code = (
        "import sys, asc_tf.cli\n"
        "assert asc_tf.cli.main(sys.argv[1:]) == 0\n"
        "assert not {'tensorflow', 'tf_keras'} & set(sys.modules)"
    )
    command = [sys.executable, "-c", code, "predict", file, recordings, "--output", tmp_path / "out", "--shards", "2"]
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "") and done.stdout.count("\n") == 1
    assert joined(tmp_path / "out") == scenes


@needs_beam
def test_a_list_of_files_in_any_order(recordings, file, tmp_path, scenes, monkeypatch):
    names = [row["file"] for row in rows(scenes)]
    lists = tmp_path / "lists"
    lists.mkdir()
    shutil.copytree(recordings, lists, dirs_exist_ok=True)
    (lists / "files.txt").write_text("\n\n".join(names[::-1]) + "\r\n", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    assert predict(file, "lists/files.txt", "--output", "out", "--shards", 3) == 0
    assert joined(tmp_path / "out") == scenes
    (lists / "absolute.txt").write_text(str(recordings / names[0]))
    assert predict(file, "lists/absolute.txt", "--output", "one", "--shards", 1) == 0
    (row,) = rows(joined(tmp_path / "one"))
    assert row == {**rows(scenes)[0], "file": str(recordings / names[0])}


@needs_beam
def test_files_that_cannot_be_read_have_a_row_and_go_to_the_failures(folder, file, tmp_path, capsys):
    (folder / "bad.wav").write_bytes(b"RIFF")
    (folder / "a b" / "empty.ogg").write_bytes(b"")
    output = tmp_path / "out"
    for _ in range(2):
        assert predict(file, folder, "--output", output, "--shards", 3) == 1
        out, err = capsys.readouterr()
        assert out == f"{FILES} of {FILES + 2} files in {output}\n"
        *errors, last = err.splitlines()
        assert last == f"asc-tf: 2 of {FILES + 2} files could not be classified; {output}/failures-*.csv names them"
        failures = rows(joined(output, "failures"))
        assert [row["file"] for row in failures] == ["a b/empty.ogg", "bad.wav"]
        assert errors == [f"asc-tf: {row['error']}" for row in failures]
    classify_folder(file, folder, tmp_path / "scenes.csv")
    assert joined(output) == (tmp_path / "scenes.csv").read_bytes()


SLOW = """
import sys, time
from asc_tf.runtime.classifier import Classifier
from asc_tf.audio.finding import audio_below
from asc_tf.cli import main
really = Classifier.classify_file
Classifier.classify_file = lambda self, path: (time.sleep(0.1), really(self, path))[1]
main(sys.argv[1:])
"""


@needs_beam
def test_killed_it_goes_on_and_does_no_finished_shard_again(recordings, file, tmp_path, scenes, monkeypatch):
    output = tmp_path / "out"
    arguments = ["predict", file, recordings, "--output", output, "--shards", 8, "--workers", 1]
    with subprocess.Popen(list(map(str, [sys.executable, "-c", SLOW, *arguments]))) as process:
        deadline = time.monotonic() + 60
        while len(list(output.glob("[fs]*.csv"))) < 5 and time.monotonic() < deadline:
            time.sleep(0.01)
        process.send_signal(signal.SIGKILL)
    kept = {path: (path.stat().st_ino, path.stat().st_mtime_ns) for path in output.glob("scenes-*.csv")}
    kept = {path: state for path, state in kept.items() if path.with_name(f"failures{path.name[6:]}").exists()}
    assert 2 <= len(kept) < 8
    (output / ".part-0-scenes-00007-of-00008.csv").write_text("file,sce")  # what the kill may have left
    classified, really = [], Classifier.classify_file
    monkeypatch.setattr(
        Classifier, "classify_file", lambda self, path: classified.append(str(path)) or really(self, path)
    )
    assert main(list(map(str, arguments))) == 0
    assert joined(output) == scenes and not list(output.glob(".part-*"))
    assert {path: (path.stat().st_ino, path.stat().st_mtime_ns) for path in kept} == kept
    there = {str(recordings / row["file"]) for path in kept for row in rows(path.read_bytes())}
    everything = {str(recordings / row["file"]) for row in rows(scenes)}
    assert sorted(classified) == sorted(everything - there)


@needs_beam
def test_interrupted_it_says_how_to_go_on(recordings, file, tmp_path, capsys, monkeypatch):
    def interrupt(self, path):
        raise KeyboardInterrupt

    monkeypatch.setattr(Classifier, "classify_file", interrupt)
    assert predict(file, recordings, "--output", tmp_path / "out", "--shards", 3) == 130
    assert capsys.readouterr().err == "asc-tf: interrupted; the same command goes on where it stopped\n"


@needs_beam
def test_a_shard_of_which_one_file_is_missing_is_done_again(recordings, file, tmp_path, scenes):
    classify_archive(file, recordings, tmp_path, 3)
    (tmp_path / "failures-00001-of-00003.csv").unlink()
    (tmp_path / "scenes-00001-of-00003.csv").write_text("file\n")
    classify_archive(file, recordings, tmp_path, 3)
    assert joined(tmp_path) == scenes and (tmp_path / "failures-00001-of-00003.csv").exists()


@needs_beam
def test_what_comes_to_a_folder_later_is_said_and_left_out(folder, file, tmp_path, scenes, capsys):
    output = tmp_path / "out"
    assert predict(file, folder, "--output", output, "--shards", 3) == 0
    shutil.copy(folder / "00.wav", folder / "00 copy.wav")
    (output / "scenes-00002-of-00003.csv").unlink()
    assert predict(file, folder, "--output", output, "--shards", 3) == 0
    said = f"{folder}: 1 files came after {output} was begun and are left out, such as 00 copy.wav\n"
    assert capsys.readouterr().err == said and joined(output) == scenes


@needs_beam
def test_another_model_archive_or_number_of_shards_is_refused(folder, file, tmp_path, capsys):
    output, listed = tmp_path / "out", folder / "files.txt"
    listed.write_text("00.wav\n")
    other = tmp_path / "other.tflite"
    shutil.copy(file, other)
    assert predict(file, listed, "--output", output, "--shards", 1) == 0
    before = {path: path.read_bytes() for path in output.iterdir()}
    assert predict(other, listed, "--output", output, "--shards", 1) == 0, "the same file by another name"
    with other.open("ab") as end:
        end.write(b"\0")
    listed.rename(folder / "renamed.txt")
    shutil.copy(folder / "renamed.txt", listed)
    capsys.readouterr()
    for model, archive, shards, message in (
        (other, listed, 1, ""),
        (file, folder, 1, f"{output}: was begun with another archive ({listed})"),
        (file, folder / "renamed.txt", 1, f"{output}: was begun with another archive ({listed})"),
        (file, listed, 2, f"{output}: was begun with another number of shards (1); expected the same, or another"),
    ):
        assert predict(model, archive, "--output", output, "--shards", shards) == 1
        err = capsys.readouterr().err
        assert err.count("\n") == 1 and message in err
    listed.write_text("00.wav\n03.wav\n")
    assert predict(file, listed, "--output", output, "--shards", 1) == 1
    assert f"{output}: was begun when {listed} named other files" in capsys.readouterr().err
    assert {path: path.read_bytes() for path in output.iterdir()} == before


def test_a_plan_of_another_model_is_refused(recordings, classifier, file, tmp_path):
    names = audio_below(recordings).names
    make_plan(classifier, file, recordings, names, tmp_path, 2, print)
    manifest = json.loads((tmp_path / "manifest.json").read_text())
    (tmp_path / "SHA256SUMS").unlink()
    (tmp_path / "manifest.json").write_text(json.dumps({**manifest, "model": "of another"}))
    with pytest.raises(AscError, match="was begun with another model; expected the same, or another --output"):
        make_plan(classifier, file, recordings, names, tmp_path, 2, print)
    (tmp_path / "manifest.json").write_text("{")
    with pytest.raises(AscError, match="manifest.json: cannot be read"):
        make_plan(classifier, file, recordings, names, tmp_path, 2, print)


def test_every_name_is_in_one_shard_whatever_it_looks_like(classifier, file, tmp_path):
    names = sorted(["b.wav", "new\nline.wav", os.fsdecode(b"caf\xe9.wav"), *(f"{n}.wav" for n in range(20))])
    for shards in (1, 2, 7, 23, 40):
        output = tmp_path / str(shards)
        output.mkdir()
        plan = make_plan(classifier, file, tmp_path, names, output, shards, print)
        assert [name for shard in range(shards) for name in plan.names(shard)] == names
        assert plan.files_in(range(shards)) == len(names)
    with (output / "files.jsonl").open("rb+") as cut:
        cut.truncate(plan.starts[-1] - 1)
    with pytest.raises(AscError, match="files.jsonl"):
        [plan.names(shard) for shard in range(shards)]


@needs_beam
def test_beam_counts_files_and_failures_and_has_them_as_a_side_output(folder, classifier, file, tmp_path):
    import apache_beam as beam

    from asc_tf.runtime.beam_shards import ClassifyShard, new_pipeline, run

    (folder / "bad.wav").write_bytes(b"RIFF")
    plan = make_plan(classifier, file, folder, audio_below(folder).names, tmp_path, 3, print)
    pipeline, seen = new_pipeline(()), tmp_path / "seen"
    done = pipeline | beam.Create(range(3)) | beam.ParDo(ClassifyShard(plan, 1)).with_outputs("failures", main="scenes")
    done.failures | beam.Map(lambda item: seen.write_text(item[1][0]["file"]) if item[1] else None)
    counters = run(pipeline).metrics().query()["counters"]
    assert {count.key.metric.name: count.committed for count in counters} == {"files": FILES + 1, "failures": 1}
    assert seen.read_text() == "bad.wav"


@needs_beam
def test_a_worker_that_finds_another_model_stops(recordings, classifier, file, tmp_path):
    from dataclasses import replace

    from asc_tf.runtime.beam_shards import classify_shards, new_pipeline, run

    plan = make_plan(classifier, file, recordings, audio_below(recordings).names, tmp_path, 2, print)
    pipeline = new_pipeline(())
    classify_shards(pipeline, replace(plan, sha256="of another"))
    with pytest.raises(AscError, match="has changed since the work on the archive began; expected the same file$"):
        run(pipeline)
    assert not list(tmp_path.glob("*.csv"))


@needs_beam
@pytest.mark.parametrize("mode", ["in_memory", "multi_threading"])
def test_what_stops_a_worker_is_one_sentence_of_ours(recordings, classifier, file, tmp_path, mode):
    make_plan(classifier, file, recordings, audio_below(recordings).names, tmp_path, 2, print)
    (tmp_path / "scenes-00001-of-00002.csv").mkdir()
    with pytest.raises(
        AscError, match=r"^\S*scenes-00001-of-00002.csv: cannot be written \(it is a folder; .* a file\)$"
    ):
        classify_archive(file, recordings, tmp_path, 2, beam=[f"direct_running_mode={mode}"])


@needs_beam
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["FOLDER", "--shards", "2"], "--shards: is given without --output; expected --output FOLDER as well"),
        (["FOLDER", "FOLDER", "--shards", "2", "--output", "OUT"], "2 names; expected one folder or one list"),
        (["FOLDER", "--shards", "0", "--output", "OUT"], "--shards 0: expected 1 to 99999"),
        (["FOLDER", "--shards", "2", "--output", "FILE"], "file.txt: is no folder"),
        (
            ["FOLDER", "--shards", "2", "--output", "FULL"],
            "full: is not empty and holds no manifest.json (x.txt is there)",
        ),
        (["FULL", "--shards", "2", "--output", "OUT"], "holds no audio file"),
        (["WAV", "--shards", "2", "--output", "OUT"], "is an audio file; expected a folder, or a text file"),
        (["MISSING", "--shards", "2", "--output", "OUT"], "cannot be read (No such file or directory)"),
        (["EMPTY", "--shards", "2", "--output", "OUT"], "empty.txt: names no file"),
        (["FILE", "--shards", "2", "--output", "OUT"], "file.txt: names x.wav more than once"),
        (
            ["FOLDER", "--output", "OUT", "--beam", "runner=FnApiRunner"],
            "--beam: is for --shards; expected --shards as well",
        ),
        (["FOLDER", "--shards", "2", "--output", "OUT", "--beam", "runner=None"], "Unexpected pipeline runner: None"),
        (["FOLDER", "--shards", "2", "--output", "OUT", "--beam", "direct_num_worker=2"], "'direct_num_workers'?"),
        (["FOLDER", "--shards", "2", "--output", "OUT", "--beam", "zzz=2"], "is no option of Beam; its documentation"),
        (["FOLDER", "--shards", "2", "--output", "OUT", "--beam", "direct_num_workers=x"], "invalid int value: 'x'"),
        (
            ["FOLDER", "--shards", "2", "--output", "OUT", "--workers", "0"],
            "--workers 0: expected a value from 1 to 4,096",
        ),
    ],
)
def test_mistakes_get_one_sentence_and_leave_nothing(recordings, file, tmp_path, capsys, arguments, message):
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "x.txt").write_text("")
    (tmp_path / "empty.txt").write_text("\n")
    (tmp_path / "file.txt").write_text("x.wav\ny.wav\nx.wav\n")
    places = {"FOLDER": recordings, "OUT": tmp_path / "out", "WAV": next(recordings.glob("*.wav"))}
    places |= {name.split(".")[0].upper(): tmp_path / name for name in ("full", "empty.txt", "file.txt", "missing")}
    assert predict(file, *(places.get(word, word) for word in arguments)) == 1
    err = capsys.readouterr().err
    assert err.count("\n") == 1 and message in err
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["empty.txt", "file.txt", "full", "x.txt"]


def test_without_beam_the_user_is_told_what_to_install(recordings, file, tmp_path):
    code = "import sys; sys.modules['apache_beam'] = None; import asc_tf.cli; sys.exit(asc_tf.cli.main(sys.argv[1:]))"
    command = [sys.executable, "-c", code, "predict", file, recordings, "--output", tmp_path / "out", "--shards", "2"]
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True)
    assert (
        done.returncode == 1
        and done.stderr == "asc-tf: --shards: needs Apache Beam; install it by: pip install 'asc-tf[beam]'\n"
    )
    assert not (tmp_path / "out").exists()
