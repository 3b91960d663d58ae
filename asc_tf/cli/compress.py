"""The commands `asc-tf compress` and `asc-tf export`."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Literal

from typing_extensions import Doc
from tyro.conf import Positional, arg

from asc_tf.cli.next_steps import say_next
from asc_tf.cli.tracker import Tracker
from asc_tf.errors import AscError
from asc_tf.experiment.command_settings import Compression
from asc_tf.terminal import say


@dataclass
class Compress:
    """Prune and quantize a run's network, train it on with a teacher, and evaluate it. Run it again to go on."""

    run_folder: Annotated[Positional[Path], arg(name="run", metavar="RUN")]
    """folder of a run"""
    out: Path
    """folder for the compressed network; it is a run too"""
    compression: Compression = Compression()
    tracker: Tracker = None

    def run(self):
        from asc_tf import stages
        from asc_tf.experiment.run_folder import NOTHING_TO_EVALUATE
        from asc_tf.stages.preconditions import check_compression
        from asc_tf.tracking.state import tracking_state

        settings = self.compression
        if settings.teacher:
            settings = replace(settings, teacher=str(Path(settings.teacher).resolve()))
        check_compression(self.run_folder, self.out, settings)
        tracking_state(self.out, self.tracker)
        stages.compress(self.run_folder, self.out, settings, report=say, tracker=self.tracker)
        print(stages.compression_text(self.out))
        if stages.has_test_part(self.out):
            runs = {"uncompressed": self.run_folder, "compressed": self.out}
            print(f"\non the test part\n{stages.evaluate_changes(runs, self.out / 'test_changes.csv', report=say)}")
        else:
            print(f"\n{NOTHING_TO_EVALUATE}")
        say_next(
            f"{self.out}: the network is last.keras; steps.csv, step_devices.csv and layers.csv are the tables",
            ["export", self.out, "--format", "int8" if settings.activations == "int8" else "float16"],
            ["complexity", self.out],
        )


@dataclass
class Export:
    """Write a run's network as a .tflite or ONNX file and compare it with the Keras model on clips of every device."""

    run_folder: Annotated[Positional[Path], arg(name="run", metavar="RUN")]
    """folder of a run; for --target micro also a .tflite file of int8 features, or the name of a shipped model"""
    out: Path | None = None
    """file to write; RUN/model.tflite (or model.onnx) if not given; for --target micro a new folder"""
    target: Literal["file", "micro"] = "file"
    """a file, or a folder of C source for microcontrollers: int8 network, frontend in C99, example, test vector"""
    format: Annotated[
        Literal["float", "float16", "int8", "onnx"],
        arg(name="format"),
        Doc(
            "numbers in the file: of 32 bits, weights of 16 bits, or weights and feature maps of 8 bits "
            "(calibrated on training clips); onnx is an ONNX file of 32-bit numbers that takes features"
        ),
    ] = "float"
    input: Annotated[Literal["features", "waveform"], arg(name="input")] = "waveform"
    """input of the file; an int8 file takes int8 features, or a waveform for its float frontend"""
    data: Path | None = None
    """data set of the same scenes to calibrate int8 and to compare on; the run's own if not given"""

    def run(self):
        if self.target == "micro":
            return self._write_folder()
        from asc_tf import stages
        from asc_tf.experiment.device_networks import devices_with_networks
        from asc_tf.experiment.run_folder import read_run
        from asc_tf.stages.preconditions import check_export

        devices = (None, *devices_with_networks(self.run_folder, read_run(self.run_folder)[1]))
        for device in devices:
            check_export(self.run_folder, self.out, self.format, self.input, self.data, device)
        paths = [self._write(stages, device) for device in devices]
        if self.format == "onnx":
            say_next(f"{paths[0]}: the network")
        else:
            path, own = paths[0], ["--device", devices[1]] if len(devices) > 1 else []
            say_next(f"{path}: the network", ["predict", path, *own, "AUDIO"], ["listen", path], ["complexity", path])

    def _write(self, stages, device):
        """Write the general network or that of a device; returns the path."""
        path, parameters, agreement = stages.export(
            self.run_folder, self.out, format=self.format, input=self.input, report=say, root=self.data, device=device
        )
        if device is not None:
            print(f"\nthe network of device {device}")
        print(f"{parameters:,} trainable parameters, {4 * parameters:,} bytes as 32-bit floating point")
        print(f"{path}: {path.stat().st_size:,} bytes from {self.input} to probabilities, {self.format}")
        print(f"its probabilities agree with the Keras model's to {agreement.difference:.1e}")
        print(agreement.table())
        return path

    def _write_folder(self):
        from asc_tf.micro.boards import verdict_lines
        from asc_tf.micro.folder import check_free_folder, finished_file, write_micro_folder

        if (self.format, self.input) != ("float", "waveform"):
            raise AscError("--target micro: writes int8 features; expected without --format and --input")
        check_free_folder(self.out)
        file = finished_file(self.run_folder, self.data)
        if file is not None:  # needs nothing of the training
            footprint = write_micro_folder(file, self.out, file.stem)
        else:
            from asc_tf.stages.preconditions import check_micro_export

            check_micro_export(self.run_folder, self.data)
            from asc_tf import stages

            footprint, agreement = stages.export_micro(self.run_folder, self.out, report=say, root=self.data)
            print(f"its probabilities agree with the Keras model's to {agreement.difference:.1e}")
            print(agreement.table())
        print("\n".join(verdict_lines(footprint)))
        say_next(f"{self.out}: C source; README.md says how to build it and which boards it fits")
