"""The command `asc-tf`: parses, dispatches, and turns a user's mistake into one sentence."""

import json
import logging
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import tyro
from tyro.conf import Positional, arg, subcommand

from asc_tf import __version__
from asc_tf.bench import NETWORKS
from asc_tf.cli_launch import Launch, separated
from asc_tf.cli_search import Search
from asc_tf.cli_translate import Translate
from asc_tf.cluster import read_cluster
from asc_tf.config import FRONTENDS, Config
from asc_tf.errors import AscError
from asc_tf.terminal import say

SHOWN_ERRORS = 100  # of the files that could not be classified; all of them are in the output


@dataclass
class Check:
    """Count the clips of a data set per split, device and scene and compare with the published counts."""

    root: Positional[Path]
    """folder with meta.csv, evaluation_setup/ and audio/"""
    metadata_only: bool = False
    """do not look for the audio files"""

    def run(self):
        from asc_tf.data.clips import read_clips
        from asc_tf.data.tau import check_report

        text, problems = check_report(self.root, read_clips(self.root), audio=not self.metadata_only)
        print(text)
        if problems:
            raise AscError("\n".join(problems))


@dataclass
class Download:
    """Download a development set of TAU Urban Acoustic Scenes Mobile (40 GB); the same command goes on after a stop."""

    name: Positional[Literal["tau2020", "tau2022"]]
    """10 s clips (2020) or 1 s clips (2022)"""
    root: Positional[Path]
    """folder that becomes the data set"""

    def run(self):
        from asc_tf.data.download import download

        try:
            download(self.name, self.root)
        except OSError as error:
            raise AscError(f"{self.root}: cannot be written ({error.strerror or error})") from error
        print(f"complete: {self.root}; count it with: asc-tf data check {self.root}")


@dataclass
class Synth:
    """Write a small procedural data set in the TAU layout: ten scenes, nine devices, three of them unseen."""

    root: Positional[Path]
    """folder to make"""
    clips: int = 400
    """training clips"""
    seed: int = 0

    def run(self):
        from tqdm import tqdm

        from asc_tf.data.synthetic import write_synthetic

        with tqdm(unit="clip", desc="synth", disable=None, leave=False) as bar:

            def progress(done, total):
                bar.total = total
                bar.update()

            train, test = write_synthetic(self.root, clips=self.clips, seed=self.seed, progress=progress)
        print(f"{train} training and {test} test clips in {self.root}")


@dataclass
class Data:
    """Check, download or make a data set."""

    action: (
        Annotated[Check, subcommand("check")]
        | Annotated[Download, subcommand("download")]
        | Annotated[Synth, subcommand("synth")]
    )

    def run(self):
        self.action.run()


@dataclass
class Features:
    """Compute the features of all clips into ROOT/features. The same command goes on after an interruption."""

    root: Positional[Path]
    """folder of a data set in the TAU layout"""
    frontend: Literal[tuple(FRONTENDS)] = "tau2020"
    """log-mel spectrogram with the papers' settings for 10 s clips (tau2020) or 1 s clips (tau2022), or PCEN"""
    workers: int | None = None
    """clips to work on at once; as many as there are processors if not given"""

    def run(self):
        if self.workers is not None and self.workers < 1:
            raise AscError(f"--workers {self.workers}: expected 1 or more")
        from asc_tf import stages

        config = Config(frontend=FRONTENDS[self.frontend])
        features = stages.compute_features(self.root, config, self.workers, report=say)
        clips, bins, frames = features.shape
        print(f"{clips} clips, {bins} mel bins x {frames} frames each, in {features.folder}")


@dataclass
class Train:
    """Train a network and evaluate it on the test part. The same command goes on after an interruption."""

    data: Path
    """folder of a data set in the TAU layout"""
    run_folder: Annotated[Path, arg(name="run")]
    """folder for everything the run makes"""
    recipe: str = "bc-resnet-asc-1-pre-resnorm"
    """experiment to run, one of those that 'asc-tf recipes' lists, or a file of settings (NAME.json)"""
    settings: Annotated[tuple[str, ...], arg(name="set", metavar="NAME=VALUE ...")] = ()
    """settings that differ from the recipe's, such as train.epochs=60 model.width=20"""
    seed: int = 0
    """of weights, order of clips, augmentation and validation part"""
    deterministic: bool = False
    """same seed, same weights to the last bit, also across an interruption (slower)"""
    teacher: tuple[Path, ...] = ()
    """trained runs to learn from as well (distillation.teacher); 'self' trains one with the same settings first"""
    strategy: Literal["mirrored", "multi_worker"] | None = None
    """share each batch of train.batch_size clips between all GPUs of this machine, or between the workers that
    TF_CONFIG names ('asc-tf launch' starts some here); the learning rate stays as set. One process if not given"""

    def run(self):
        from asc_tf.recipes import find_recipe

        config = find_recipe(self.recipe).config.with_settings(
            [f"seed={self.seed}", f"deterministic={self.deterministic}", *self._teaching(), *self.settings]
        )
        strategy = None
        if self.strategy:
            from asc_tf.quiet import hide_native_stderr
            from asc_tf.training.replicas import make_strategy

            if self.strategy == "multi_worker":
                read_cluster()  # a mistake is said before anything is hidden
                hide_native_stderr()
            strategy = make_strategy(self.strategy, report=say)
        from asc_tf import stages

        if stages.train(self.data, config, self.run_folder, report=say, strategy=strategy) is not None:
            print(stages.evaluate(self.run_folder))

    def _teaching(self):
        if self.teacher == (Path("self"),):
            return ["distillation.teacher=none", "distillation.recipe=self"]
        if self.teacher:
            runs = ",".join(str(run.resolve()) for run in self.teacher)
            if runs.count(",") >= len(self.teacher):
                raise AscError(f"--teacher {runs}: expected folders without a comma in their names")
            return ["distillation.recipe=none", f"distillation.teacher={runs}"]
        return []


@dataclass
class Evaluate:
    """Print and write accuracy and log loss of a run per device and scene, with the confusion matrix."""

    run_folder: Annotated[Positional[Path], arg(name="run", metavar="RUN")]
    """folder of a run, or an exported .tflite file, which is run as on a device"""
    data: Path | None = None
    """another data set to evaluate on; its devices that the run was not trained on count as unseen"""
    seconds: float | None = None
    """cut the test clips into pieces of this length and classify each by itself"""
    seeds: int = 1
    """repeat the run with so many seeds in all and print mean ± standard deviation"""
    leave_device_out: bool = False
    """train the run again without each of its devices in turn and print what each costs when it is unseen"""

    def run(self):
        if self.seeds < 1 or (self.seeds > 1 and (self.data or self.seconds is not None)):
            raise AscError(
                f"--seeds {self.seeds}: expected 1 or more, and more than 1 only without --data and --seconds"
            )
        if self.leave_device_out and (self.data or self.seconds is not None or self.seeds > 1):
            raise AscError("--leave-device-out: expected without --data, --seconds and --seeds")
        from asc_tf import stages

        if self.run_folder.suffix == ".tflite":
            if self.seeds > 1 or self.seconds is not None or self.leave_device_out:
                raise AscError(
                    f"{self.run_folder}: --seeds, --seconds and --leave-device-out are for runs; expected a run folder"
                )
            print(stages.evaluate_file(self.run_folder, self.data, _show_files))
        elif self.leave_device_out:
            print(stages.evaluate_left_out_devices(self.run_folder, report=say))
        elif self.seeds > 1:
            print(stages.evaluate_seeds(self.run_folder, self.seeds, report=say))
        else:
            print(stages.evaluate(self.run_folder, self.data, self.seconds, report=say))


@dataclass
class Finetune:
    """Fine-tune a run's network while clips of its main device are dropped, evaluate it. The same command goes on."""

    run_folder: Annotated[Positional[Path], arg(name="run", metavar="RUN")]
    """folder of a run"""
    out: Path
    """folder for the fine-tuned network, a run as any other"""
    settings: Annotated[tuple[str, ...], arg(name="set", metavar="NAME=VALUE ...")] = ()
    """settings of the section finetune that differ from the run's, such as finetune.max_drop_rate=0.99"""

    def run(self):
        from asc_tf import stages

        stages.finetune(self.run_folder, self.out, self.settings, report=say)
        if stages.has_test_part(self.out):
            for name, folder in (("pretrained", self.run_folder), ("fine-tuned", self.out)):
                print(f"{name}, on the test part\n{stages.evaluate(folder)}\n")


@dataclass
class Ensemble:
    """Join trained runs to one network that averages theirs, and evaluate it."""

    runs: Positional[tuple[Path, ...]]
    """folders of two runs or more"""
    out: Path
    """folder for the ensemble, a run as any other"""
    average: Literal["probabilities", "logits"] = "probabilities"
    """what is averaged"""

    def run(self):
        from asc_tf import stages

        stages.join_runs(self.runs, self.out, self.average)
        if stages.has_test_part(self.out):
            print(stages.evaluate(self.out))


@dataclass
class Compress:
    """Prune and quantize a run's network, train it on with a teacher, evaluate it. The same command goes on."""

    run_folder: Annotated[Positional[Path], arg(name="run", metavar="RUN")]
    """folder of a run"""
    out: Path
    """folder for the compressed network, a run as any other"""
    prune: float = 0.89
    """share of the kernels' weights to prune; 0 prunes none"""
    weights: Literal["int8", "fp16"] = "int8"
    """kernels in 8 bits, trained so, or in half precision as all else"""
    activations: Literal["float", "int8"] = "float"
    """train for feature maps of 8 bits too"""
    teacher: Path | None = None
    """run of the network to learn from; the uncompressed one if not given"""
    epochs: int | None = None
    """of additional training after pruning, then a quarter of it with rounded kernels; the run's if not given"""
    schedule: Literal["one-shot", "gradual"] = "one-shot"
    """prune at once and train on, or more and more in the first half of that training"""
    scope: Literal["connected", "global", "layer"] = "connected"
    """what is pruned at once: the smallest of the weights that lie on a path from input to output, the smallest of all,
    or the same share of each kernel"""

    def run(self):
        from asc_tf import stages

        teacher = str(self.teacher.resolve()) if self.teacher else None
        own = {name: value for name, value in vars(self).items() if name not in ("run_folder", "out", "teacher")}
        settings = stages.Compression(**own, teacher=teacher)
        stages.compress(self.run_folder, self.out, settings, report=say)
        print(stages.compression_text(self.out))
        if stages.has_test_part(self.out):
            runs = {"uncompressed": self.run_folder, "compressed": self.out}
            print(f"\non the test part\n{stages.evaluate_changes(runs, self.out / 'test_changes.csv', report=say)}")
        else:
            print("\ntrained on the test part too (data.split=full): no clips to evaluate on")


@dataclass
class Export:
    """Write a run's network as a .tflite or ONNX file and compare it with the Keras model on clips of every device."""

    run_folder: Annotated[Positional[Path], arg(name="run", metavar="RUN")]
    """folder of a run"""
    out: Path | None = None
    """file to write; RUN/model.tflite (or model.onnx) if not given"""
    weights_as: Annotated[Literal["float", "float16", "int8", "onnx"], arg(name="format")] = "float"
    """of the numbers: 32-bit, 16-bit weights, or 8-bit weights and feature maps (calibrated on training clips);
    or an ONNX file of 32-bit numbers that takes features"""
    takes: Annotated[Literal["features", "waveform"], arg(name="input")] = "waveform"
    """what the file takes; of int8 files, features are int8 too, while a waveform goes through a float frontend"""

    def run(self):
        from asc_tf import stages

        path, parameters, agreement = stages.export(
            self.run_folder, self.out, weights_as=self.weights_as, takes=self.takes
        )
        print(f"{parameters:,} trainable parameters, {4 * parameters:,} bytes as 32-bit floating point")
        print(f"{path}: {path.stat().st_size:,} bytes from {self.takes} to probabilities, {self.weights_as}")
        print(f"its probabilities agree with the Keras model's to {agreement.difference:.1e}")
        print(agreement.table())


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
                probabilities = dict(zip(classifier.labels, classifier.classify_file(path).tolist(), strict=True))
            except AscError as error:
                failures += 1
                say(f"asc-tf: {error}")
                continue
            ranked = sorted(probabilities.items(), key=lambda item: -item[1])
            if self.as_json:
                print(json.dumps({"file": str(path), "scene": ranked[0][0], "probabilities": dict(ranked)}))
            else:
                print(f"{path}: {', '.join(f'{scene} {100 * p:.1f} %' for scene, p in ranked[: self.top])}")
        if failures:
            raise AscError(f"{failures} of {len(self.audio)} files could not be classified")

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

            return *classify_folder(self.model, self.audio[0], self.output, self.workers, _show_files), self.output
        from asc_tf.runtime.archive import classify_archive

        done = classify_archive(
            self.model, self.audio[0], self.output, self.shards, self.workers, self.beam, _show_files, say
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

        pipe = sys.stdin.buffer if self.source == "-" else None
        if pipe is not None and sys.stdin.isatty():
            raise AscError("standard input is a terminal; expected a pipe, as in: arecord ... | asc-tf listen MODEL -")
        classifier = Classifier(self.model)
        try:
            for heard in listen(classifier, pipe, say, self.rate, self.hop, self.smoothing):
                print(json_of(heard, classifier.labels) if self.as_json else line_of(heard), flush=True)
        except KeyboardInterrupt:  # the usual way to end it: nothing to say
            raise SystemExit(130) from None


@dataclass
class Complexity:
    """Print what a network stores and computes, layer by layer, and the verdict of every year's rules."""

    target: Positional[str]
    """run folder, .keras or .tflite file, or a name that 'asc-tf models' lists"""
    seconds: float | None = None
    """seconds of sound in the input, if neither the run nor the file says so"""
    as_json: Annotated[bool, arg(name="json")] = False
    """print JSON"""

    def run(self):
        if self.seconds is not None and not self.seconds > 0:
            raise AscError(f"--seconds {self.seconds:g}: expected more than 0")
        from asc_tf.compression.account_report import account_dict, account_text
        from asc_tf.compression.tflite_complexity import tflite_account

        if self.target.endswith(".tflite"):
            account = tflite_account(self.target, self.seconds)  # on its own: needs no TensorFlow
        else:
            from asc_tf import stages

            account = stages.account_of(self.target, self.seconds)
        print(json.dumps(account_dict(account), indent=2) if self.as_json else account_text(account))


@dataclass
class Models:
    """List the networks of the papers with their parameters, MACs and receptive field."""

    def run(self):
        from asc_tf import stages
        from asc_tf.models import NAMED_NETWORKS

        width = max(map(len, NAMED_NETWORKS))
        print(f"{'':{width}}  parameters       MACs  input    receptive field  source")
        for name, named in NAMED_NETWORKS.items():
            account = stages.account_of_named(name)
            parameters = sum(tensor.count for tensor in account.parameters("network") if tensor.trainable)
            macs = account.operations("network").macs / 1e6
            field = "x".join(map(str, account.receptive_field["convolutions"]))
            print(
                f"{name:{width}}  {parameters:10,}  {macs:7.2f} M  {named.seconds:3g} s  {field:>17}  {named.source}",
                flush=True,
            )
        print("Receptive field in mel bins x frames, convolutions only. One layer by layer: asc-tf complexity NAME")


@dataclass
class Bench:
    """Train every method of the papers on ESC-10 Mobile and tabulate what each is worth. The same command goes on."""

    name: Positional[Literal["esc10"]]
    """which bench; its methods are rows of a table"""
    data: Path
    """folder of the data set, in the TAU layout"""
    out: Path
    """folder for the runs and the table; what is there already is not trained again"""
    network: Literal[tuple(NETWORKS)] = "bc-resnet-asc-1"
    """that all rows train"""
    rows: tuple[str, ...] = ()
    """names of rows to train now; all if not given"""
    seeds: int = 3
    """how many, from 0 on"""
    responses: Path | None = None
    """folder of impulse responses of microphones, for the rows that train through them"""

    def run(self):
        if self.seeds < 1:
            raise AscError(f"--seeds {self.seeds}: expected 1 or more")
        from asc_tf import stages

        print(stages.bench(self.data, self.out, self.network, self.rows, self.seeds, self.responses, report=say))


@dataclass
class Recipes:
    """List the named experiments with their paper, table, published accuracy and log loss, and commands."""

    def run(self):
        from asc_tf.recipes import RECIPES

        width = max(map(len, RECIPES))
        for recipe in RECIPES.values():
            score = f"{recipe.expected:>10} %  {recipe.log_loss:>5}"
            print(f"{recipe.name:{width}}  {score}  {recipe.paper}, {recipe.table}")
            if len(recipe.commands) > 1:
                print(*(f"    {command}" for command in recipe.commands), sep="\n")
        print("Where no command stands: asc-tf train --data TAU --recipe NAME --run RUN")
        print("Accuracy, then log loss, on TAU 2020 Mobile; of Lee et al. on TAU 2022 Mobile (table 3: trained on it).")
        print("The papers train on the whole training part: --set data.validation_fraction=0 does so too.")


Command = (
    Annotated[Data, subcommand("data")]
    | Annotated[Features, subcommand("features")]
    | Annotated[Train, subcommand("train")]
    | Annotated[Launch, subcommand("launch")]
    | Annotated[Evaluate, subcommand("evaluate")]
    | Annotated[Finetune, subcommand("finetune")]
    | Annotated[Ensemble, subcommand("ensemble")]
    | Annotated[Compress, subcommand("compress")]
    | Annotated[Translate, subcommand("translate")]
    | Annotated[Export, subcommand("export")]
    | Annotated[Predict, subcommand("predict")]
    | Annotated[Listen, subcommand("listen")]
    | Annotated[Complexity, subcommand("complexity")]
    | Annotated[Search, subcommand("search")]
    | Annotated[Bench, subcommand("bench")]
    | Annotated[Models, subcommand("models")]
    | Annotated[Recipes, subcommand("recipes")]
)


def parse(arguments):
    """The command that the arguments name, with its flags. Exits with a message where they are wrong."""
    return tyro.cli(
        Command,
        prog="asc-tf",
        description="Acoustic scene classification, small and robust to unheard microphones.",
        args=arguments,
        config=(tyro.conf.OmitSubcommandPrefixes, tyro.conf.OmitArgPrefixes, tyro.conf.FlagCreatePairsOff),
    )


def main(arguments=None):
    """Run the command line; returns the exit status."""
    arguments = sys.argv[1:] if arguments is None else arguments
    if arguments == ["--version"]:
        print(f"asc-tf {__version__}")
        return 0
    _silence_tensorflow()
    command = parse(separated(arguments))
    try:
        command.run()
        sys.stdout.flush()
    except AscError as error:
        say(f"asc-tf: {error}")
        return error.status
    except ModuleNotFoundError as error:
        say(f"asc-tf: this command needs '{error.name}', which is not installed: pip install 'asc-tf[train]'")
        return 1
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except OSError as error:
        say(f"asc-tf: {error.filename or 'input or output'}: {error.strerror or error}")
        return 1
    except KeyboardInterrupt:
        say("asc-tf: interrupted; the same command goes on where it stopped")
        return 130
    return 0


def _silence_tensorflow():
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    logging.getLogger("tensorflow").setLevel(logging.ERROR)


def _show_files(done, total):
    """A count that stays on its line of a terminal."""
    if sys.stderr.isatty():
        print(f"\r{done} of {total} files", end="\n" if done == total else "", file=sys.stderr, flush=True)
