"""The commands `asc-tf evaluate` and `asc-tf bench`."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from tyro.conf import Positional, arg

from asc_tf.cli.next_steps import say_next
from asc_tf.errors import AscError
from asc_tf.experiment.bench_rows import NETWORKS
from asc_tf.experiment.setting import Setting
from asc_tf.terminal import say, show_files


@dataclass
class Evaluate:
    """Print and write accuracy and log loss of a run per device and scene, with the confusion matrix."""

    run_folder: Annotated[Positional[Path], arg(name="run", metavar="RUN")]
    """folder of a run, or an exported .tflite file, which runs as on a device"""
    data: Path | None = None
    """another data set to evaluate on; its devices that the run was not trained on count as unseen"""
    seconds: Annotated[
        float | None,
        Setting("length of the pieces of test clips to classify, each by itself", 0.001, 86_400, "seconds"),
    ] = None
    seeds: Annotated[
        int, Setting("number of seeds to repeat the run with; prints mean ± standard deviation", 1, 10_000)
    ] = 1
    leave_device_out: bool = False
    """train the run again without each of its devices in turn and print the loss of accuracy on each when unseen"""

    def run(self):
        if self.seeds > 1 and (self.data or self.seconds is not None):
            raise AscError(f"--seeds {self.seeds}: is given with --data or --seconds; expected none of them")
        if self.leave_device_out and (self.data or self.seconds is not None or self.seeds > 1):
            raise AscError("--leave-device-out: is given with --data, --seconds or --seeds; expected none of them")
        self._check()
        from asc_tf import stages
        from asc_tf.stages.evaluation import tables_folder
        from asc_tf.stages.file_evaluation import file_tables_folder

        if self.run_folder.suffix == ".tflite":
            print(stages.evaluate_file(self.run_folder, self.data, show_files))
            self._say_next(file_tables_folder(self.run_folder, self.data), ["predict", self.run_folder, "AUDIO"])
        elif self.leave_device_out:
            print(stages.evaluate_left_out_devices(self.run_folder, report=say))
            say_next(f"{self.run_folder / 'leave-device-out.csv'}: the table; the runs are in leave-device-out/")
        elif self.seeds > 1:
            print(stages.evaluate_seeds(self.run_folder, self.seeds, report=say))
            say_next(f"{self.run_folder / 'seeds.csv'}: the table; the runs are in seeds/", ["export", self.run_folder])
        else:
            print(stages.evaluate(self.run_folder, self.data, self.seconds, report=say))
            self._say_next(tables_folder(self.run_folder, self.data, self.seconds), ["export", self.run_folder])

    def _say_next(self, folder, command):
        tables = "devices.csv, scenes.csv, confusion.csv and metrics.json are the tables, predictions.csv has the clips"
        say_next(f"{folder}: {tables}", command)

    def _check(self):
        """Checks that need no TensorFlow."""
        from asc_tf.data.clips import read_clips
        from asc_tf.experiment.run_folder import check_repeatable
        from asc_tf.stages.preconditions import check_evaluation, check_left_out_devices, file_data_set

        if self.run_folder.suffix == ".tflite":
            if self.seeds > 1 or self.seconds is not None or self.leave_device_out:
                raise AscError(
                    f"{self.run_folder}: --seeds, --seconds and --leave-device-out are for runs; expected a run folder"
                )
            from asc_tf.runtime.classifier import Classifier
            from asc_tf.runtime.device_file import report_general_network

            Classifier(self.run_folder)
            report_general_network(self.run_folder, say)
            read_clips(file_data_set(self.run_folder, self.data))
            return
        # What is trained again takes no --data, which the next check may advise.
        if self.leave_device_out:
            check_left_out_devices(self.run_folder)
        elif self.seeds > 1:
            check_repeatable(self.run_folder, "repeat that one with other seeds")
        check_evaluation(self.run_folder, self.data, self.seconds)
        if self.data is not None:
            read_clips(self.data)


@dataclass
class Bench:
    """Train every method of the papers on ESC-10 Mobile and tabulate what each is worth. The same command goes on."""

    name: Positional[Literal["esc10"]]
    """name of the bench; its methods are rows of a table"""
    data: Path
    """folder of the data set, in the TAU layout"""
    out: Path
    """folder for the runs and the table; finished rows are not trained again"""
    network: Literal[tuple(NETWORKS)] = "bc-resnet-asc-1"
    """network that all rows train"""
    rows: tuple[str, ...] = ()
    """names of rows to train now; all if not given"""
    seeds: Annotated[int, Setting("number of seeds, from 0 on", 1, 10_000)] = 3
    responses: Path | None = None
    """folder of impulse responses of microphones, for the rows that train through them"""

    def run(self):
        from asc_tf import stages
        from asc_tf.stages.preconditions import check_bench

        check_bench(self.data, self.rows, self.responses)
        print(stages.bench(self.data, self.out, self.network, self.rows, self.seeds, self.responses, report=say))
        say_next(f"{self.out / self.network}.csv and .md: the table; the runs are below {self.out / self.network}")
