"""The commands that use a file, without TensorFlow: `asc-tf predict` and `asc-tf listen`."""

import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from tyro.conf import Positional, arg

from asc_tf.errors import AscError
from asc_tf.terminal import say, show_files, without_control

SHOWN_ERRORS = 100  # of the files that could not be classified; all of them are in the output


@dataclass
class Predict:
    """Classify audio files of any rate, channel count and length with an exported model, without TensorFlow."""

    model: Positional[Path]
    """.tflite file made by 'asc-tf export'"""
    audio: Positional[tuple[Path, ...]]
    """audio files, or one folder with audio files in it and below (needs --output)"""
    output: Path | None = None
    """CSV file for the scenes of a folder; the same command goes on after an interruption"""
    workers: int | None = None
    """files of a folder to work on at once; as many as there are processors if not given"""
    shards: int | None = None
    """for very large archives: write the scenes of a folder, or of a text file that names a recording a line, as this
    many CSV files into the folder --output, with Apache Beam"""
    beam: Annotated[tuple[str, ...], arg(metavar="NAME=VALUE ...")] = ()
    """pipeline options of Apache Beam for --shards, such as runner=FlinkRunner flink_master=HOST:8081; --workers are
    the threads in each of its workers then, 1 if not given"""
    top: int = 3
    """how many scenes to print for each"""
    as_json: Annotated[bool, arg(name="json")] = False
    """print one JSON object a file, with the probabilities of all scenes"""

    def run(self):
        from asc_tf.runtime import Classifier

        if self.top < 1:
            raise AscError(f"--top {self.top}: expected 1 or more")
        if not self.audio:
            raise AscError("AUDIO: no audio file is named")
        if self.beam and self.shards is None:
            raise AscError("--beam: expected with --shards")
        if self.shards is not None or any(path.is_dir() for path in self.audio):
            self._run_on_folder()
            return
        if self.output is not None or self.workers is not None:
            raise AscError("--output and --workers are for a folder; expected one folder in place of files")
        classifier = Classifier(self.model)
        failures = 0
        for path in self.audio:
            try:
                probabilities = classifier.classify_file(path).tolist()
            except AscError as error:
                failures += 1
                say(f"asc-tf: {error}")
                continue
            print(self._line(path, classifier.labels, probabilities))
        if failures:
            raise AscError(f"{failures} of {len(self.audio)} files could not be classified")

    def _line(self, path, labels, probabilities):
        from asc_tf.runtime.answer import SILENCE, scene_of

        scene, _ = scene_of(labels, probabilities)
        ranked = sorted(zip(labels, probabilities, strict=True), key=lambda item: -item[1])
        if self.as_json:
            return json.dumps({"file": str(path), "scene": scene, "probabilities": dict(ranked)}, allow_nan=False)
        best = ", ".join(f"{scene} {100 * p:.1f} %" for scene, p in ranked[: self.top])
        return f"{without_control(str(path))}: {SILENCE if scene == SILENCE else best}"

    def _run_on_folder(self):
        if len(self.audio) > 1 and self.shards is not None:
            raise AscError(f"AUDIO: {len(self.audio)} names; --shards expects one folder or one list of files")
        if len(self.audio) > 1:
            raise AscError(f"AUDIO: {len(self.audio)} names, a folder among them; expected files or one folder")
        if self.output is None and self.shards is not None:
            raise AscError("--shards: expected --output FOLDER as well")
        if self.output is None:
            raise AscError(f"{self.audio[0]}: is a folder; expected --output scenes.csv as well")
        if self.workers is not None and self.workers < 1:
            raise AscError(f"--workers {self.workers}: expected 1 or more")
        count, errors, names_them = self._classify_all()
        print(f"{count - len(errors)} of {count} files in {self.output}")
        for error in errors[:SHOWN_ERRORS]:
            say(f"asc-tf: {error}")
        if len(errors) > SHOWN_ERRORS:
            say(f"... and {len(errors) - SHOWN_ERRORS} more")
        if errors:
            raise AscError(f"{len(errors)} of {count} files could not be classified; {names_them} names them")

    def _classify_all(self):
        """(number of files, errors, what names the failures)."""
        if self.shards is None:
            from asc_tf.runtime.folder import classify_folder

            done = classify_folder(self.model, self.audio[0], self.output, self.workers, show_files, say)
            return *done, self.output
        from asc_tf.runtime.archive import classify_archive

        done = classify_archive(
            self.model, self.audio[0], self.output, self.shards, self.workers, self.beam, show_files, say
        )
        return *done, self.output / "failures-*.csv"


@dataclass
class Listen:
    """Print the scene that a microphone or a pipe is in, window after window, without TensorFlow."""

    model: Positional[Path]
    """.tflite file made by 'asc-tf export'"""
    source: Positional[Literal["microphone", "-"]] = "microphone"
    """- reads WAV or raw 16-bit samples of one channel from a pipe, as of arecord"""
    rate: int | None = None
    """sample rate of raw samples; the network's if not given"""
    hop: float = 1.0
    """seconds from window to window"""
    smoothing: float = 0.5
    """share of the newest window in the probabilities; 1 does not smooth"""
    as_json: Annotated[bool, arg(name="json")] = False
    """print one JSON object a window, with the probabilities of all scenes"""

    def run(self):
        from asc_tf.runtime import Classifier
        from asc_tf.runtime.listen import json_of, line_of, listen

        if self.source == "-" and (sys.stdin is None or sys.stdin.isatty()):
            found = "closed" if sys.stdin is None else "a terminal"
            raise AscError(f"standard input is {found}; expected a pipe, as in: arecord ... | asc-tf listen MODEL -")
        pipe = sys.stdin.buffer if self.source == "-" else None
        classifier = Classifier(self.model)
        try:
            for heard in listen(classifier, pipe, say, self.rate, self.hop, self.smoothing):
                print(json_of(heard, classifier.labels) if self.as_json else line_of(heard), flush=True)
        except KeyboardInterrupt:  # the usual way to end it: nothing to say
            raise SystemExit(130) from None
