"""The command `asc-tf serve`: a local page to try a model on, without TensorFlow."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from typing_extensions import Doc
from tyro.conf import Positional, arg

from asc_tf.cli.predict import chosen_model
from asc_tf.errors import AscError
from asc_tf.experiment.setting import Setting


@dataclass
class Serve:
    """Show a page on this computer where an audio file or the microphone is heard: scenes over time, and evidence.

    Nothing is asked of another computer. Needs the extra 'serve', but no TensorFlow.
    """

    inputs: Annotated[
        Positional[tuple[Path, ...]],
        arg(name="model", metavar="[MODEL]"),
        Doc(
            "a .tflite file, an exported run folder, or a name that 'asc-tf models --shipped' lists; the "
            "model of the package if not given"
        ),
    ] = ()
    host: str = "127.0.0.1"
    """address to listen on; others than this one let other computers in"""
    port: Annotated[int, Setting("to listen on; 0 takes any that is free", 0, 65_535)] = 7860

    def run(self):
        if len(self.inputs) > 1:
            raise AscError(f"MODEL: {len(self.inputs)} names; expected one model")
        model, others = chosen_model(self.inputs)
        if others:
            raise AscError(f"{others[0]}: is no model; expected a .tflite file, a run folder or a shipped model's name")
        from asc_tf.serve.server import serve

        try:
            serve(model, self.host, self.port, report=lambda line: print(line, flush=True))
        except KeyboardInterrupt:  # the usual way to end: no message
            raise SystemExit(130) from None
