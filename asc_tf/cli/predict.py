"""The command `asc-tf predict`: recordings to scenes, without TensorFlow."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from typing_extensions import Doc
from tyro.conf import Positional, arg

from asc_tf.cli.flags import Threshold, TimelineHop, TimelineSmoothing, Top, Workers
from asc_tf.errors import AscError
from asc_tf.terminal import say, show_files, without_control

SHOWN_ERRORS = 100  # of the files that could not be classified; the output lists all of them


def chosen_model(inputs, device=None):
    """(path of a .tflite file, the other names): the first name's if it names a model, else the shipped model's.

    Of a run with a network for each device, the file is that of `device`; without one, a line says that the general
    network answers.
    """
    from asc_tf.runtime.device_file import file_of_device, report_general_network
    from asc_tf.runtime.shipped import DEFAULT, find_model, is_model, shipped_models

    if inputs and is_model(inputs[0]):
        model, others = find_model(inputs[0]), inputs[1:]
    else:
        say(f"no model is named: {DEFAULT}, which comes with the package. {shipped_models()[DEFAULT].summary}")
        model, others = find_model(), inputs
    if device is not None:
        return file_of_device(model, device, say), others
    report_general_network(model, say)
    return model, others


@dataclass
class Predict:
    """Classify audio files of any rate, channel count and length, without TensorFlow.

    Without a model the one that comes with the package is taken: ESC-10's ten kinds of sounds.
    """

    inputs: Annotated[
        Positional[tuple[Path, ...]],
        arg(name="model-and-audio", metavar="[MODEL] AUDIO ..."),
        Doc(
            "audio files, or one folder whose audio files and those in its folders are classified (with "
            "--output); before them the model: a .tflite file, a run folder, or a name that 'asc-tf models "
            "--shipped' lists"
        ),
    ] = ()
    device: str | None = None
    """device of the recordings, for a run of 'finetune --per-device'; an unknown one gets the general network"""
    output: Path | None = None
    """CSV file for the scenes of a folder, which the same command completes after a stop, or for --timeline"""
    timeline: bool = False
    """print the scenes of each recording with their beginnings and ends"""
    hop: TimelineHop = 1.0
    smoothing: TimelineSmoothing = 0.5
    threshold: Threshold = None
    workers: Workers = None
    shards: Annotated[
        int | None,
        Doc(
            "for very large archives: number of CSV files that Apache Beam writes into the folder --output, "
            "with the scenes of a folder or of a text file that names one recording a line"
        ),
    ] = None
    beam: Annotated[
        tuple[str, ...],
        arg(metavar="NAME=VALUE ..."),
        Doc(
            "pipeline options of Apache Beam for --shards, such as runner=FlinkRunner flink_master=HOST:8081; "
            "--workers is then the number of threads in each of its workers, 1 if not given"
        ),
    ] = ()
    top: Top = 3
    as_json: Annotated[bool, arg(name="json")] = False
    """print one JSON object a file, with the probabilities of all scenes"""

    def run(self):
        self._check()
        self.model, self.audio = chosen_model(self.inputs, self.device)
        if not self.audio:
            raise AscError("AUDIO: is not given; expected audio files or one folder")
        if self.shards is not None or any(path.is_dir() for path in self.audio):
            self._run_on_folder()
            return
        if self.workers is not None or (self.output is not None and not self.timeline):
            raise AscError("--output and --workers: are for a folder; expected one folder in place of files")
        if self.output is not None:
            from asc_tf.runtime.scenes_csv import check_csv_path

            check_csv_path(self.output)
        from asc_tf.runtime import Classifier

        self._run_on_files(Classifier(self.model, uncertain_below=self.threshold))

    def _check(self):
        if self.beam and self.shards is None:
            raise AscError("--beam: is for --shards; expected --shards as well")
        if not self.timeline and (self.hop, self.smoothing) != (Predict.hop, Predict.smoothing):
            raise AscError("--hop and --smoothing: are for --timeline; expected --timeline as well")

    def _run_on_files(self, classifier):
        failures, timelines = 0, {}
        for path in self.audio:
            try:
                if self.timeline:
                    timelines[str(path)] = self._show_timeline(classifier, path)
                else:
                    print(self._line(path, classifier, list(classifier.windows_of_file(path))))
            except AscError as error:
                failures += 1
                say(f"asc-tf: {error}")
        if self.output is not None:
            from asc_tf.runtime.timeline import write_timelines

            write_timelines(self.output, timelines)
            print(f"{len(timelines)} of {len(self.audio)} files in {self.output}")
        if failures:
            raise AscError(f"{failures} of {len(self.audio)} files could not be classified")

    def _show_timeline(self, classifier, path):
        import dataclasses

        from asc_tf.runtime.timeline import line_of, timeline

        stretches = timeline(classifier, path, self.hop, self.smoothing)
        if self.as_json:
            print(json.dumps({"file": str(path), "timeline": [dataclasses.asdict(one) for one in stretches]}))
        else:
            print(without_control(str(path)), *map(line_of, stretches), sep="\n")
        return stretches

    def _line(self, path, classifier, windows):
        from asc_tf.runtime.answer import SILENCE, UNCERTAIN, scene_of

        labels, probabilities = classifier.labels, classifier.mean(windows).tolist()
        scene, confidence = scene_of(labels, probabilities, classifier.uncertain_below)
        ranked = sorted(zip(labels, probabilities, strict=True), key=lambda item: -item[1])
        if self.as_json:
            values = {"file": str(path), "scene": scene, "confidence": confidence, "probabilities": dict(ranked)}
            return json.dumps(values, allow_nan=False)
        name = without_control(str(path))
        if scene == SILENCE:
            return f"{name}: {SILENCE}"
        text = ", ".join(f"{scene} {100 * p:.1f} %" for scene, p in ranked[: self.top])
        text = f"{UNCERTAIN} ({text})" if scene == UNCERTAIN else text
        heard = [scene_of(labels, window, classifier.uncertain_below)[0] for window in windows]
        scenes = {one for one in heard if one != UNCERTAIN}
        changes = f"; its scene changes ({', '.join(sorted(scenes))}): --timeline shows when" if len(scenes) > 1 else ""
        return f"{name}: {text}{changes}"

    def _run_on_folder(self):
        if self.timeline:
            raise AscError("--timeline: is for files; expected recordings in place of a folder")
        if len(self.audio) > 1 and self.shards is not None:
            raise AscError(f"AUDIO: {len(self.audio)} names; expected one folder or one list of files for --shards")
        if len(self.audio) > 1:
            raise AscError(f"AUDIO: {len(self.audio)} names, one of them a folder; expected files or one folder")
        if self.output is None and self.shards is not None:
            raise AscError("--shards: is given without --output; expected --output FOLDER as well")
        if self.output is None:
            raise AscError(f"{self.audio[0]}: is a folder; expected --output scenes.csv as well")
        count, errors, names_them = self._classify_all()
        print(f"{count - len(errors)} of {count} files in {self.output}")
        for error in errors[:SHOWN_ERRORS]:
            say(f"asc-tf: {error}")
        if len(errors) > SHOWN_ERRORS:
            say(f"... and {len(errors) - SHOWN_ERRORS} more")
        if errors:
            raise AscError(f"{len(errors)} of {count} files could not be classified; {names_them} names them")

    def _classify_all(self):
        """(number of files, errors, the file or column that names the failures)."""
        if self.shards is None:
            from asc_tf.runtime.folder import classify_folder
            from asc_tf.runtime.scenes_csv import check_csv_path

            check_csv_path(self.output)
            if self.output.is_file():
                say(f"{self.output}: is complete; all files are classified again, then it is replaced")
            done = classify_folder(
                self.model, self.audio[0], self.output, self.workers, show_files, say, self.threshold
            )
            return *done, self.output
        from asc_tf.runtime.archive import classify_archive

        done = classify_archive(
            self.model,
            self.audio[0],
            self.output,
            self.shards,
            self.workers,
            self.beam,
            show_files,
            say,
            self.threshold,
        )
        return *done, self.output / "failures-*.csv"
