"""The command `asc-tf serve`: a local page to try a model on, without TensorFlow."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from tyro.conf import Positional, arg

from asc_tf.cli.predict import chosen_model
from asc_tf.errors import AscError


@dataclass
class Serve:
    """Show a page on this computer where an audio file or the microphone is heard: scenes over time, and evidence.

    Nothing is asked of another computer. Needs the extra 'serve', but no TensorFlow.
    """

    inputs: Annotated[Positional[tuple[Path, ...]], arg(name="model", metavar="[MODEL]")] = ()
    """a .tflite file, an exported run folder, or a name that 'asc-tf models --shipped' lists; the model that comes with
    the package if not given"""
    host: str = "127.0.0.1"
    """address to listen on; others than this one let other computers in"""
    port: int = 7860
    """0 takes any that is free"""

    def run(self):
        if not 0 <= self.port < 65536:
            raise AscError(f"--port {self.port}: expected 0 to 65535")
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
