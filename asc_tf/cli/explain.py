"""The command `asc-tf explain`: the evidence for an answer, as a picture and as JSON."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from typing_extensions import Doc
from tyro.conf import Positional, arg

from asc_tf.cli.flags import Top
from asc_tf.cli.predict import chosen_model
from asc_tf.errors import AscError
from asc_tf.terminal import say, without_control


@dataclass
class Explain:
    """Show where in a recording, and at which frequencies, the network hears each scene: a PNG file, or JSON.

    A .tflite file needs no TensorFlow; a run folder does, and its Keras network is explained.
    """

    inputs: Annotated[
        Positional[tuple[Path, ...]],
        arg(name="model-and-audio", metavar="[MODEL] AUDIO"),
        Doc(
            "an audio file of at most 10 minutes; before it the model: a .tflite file, a run folder, or a "
            "name that 'asc-tf models --shipped' lists"
        ),
    ] = ()
    output: Path | None = None
    """PNG file; the recording's name with -evidence.png if not given, in this folder; needs matplotlib"""
    top: Top = 3
    as_json: Annotated[bool, arg(name="json")] = False
    """print JSON with all scores; a picture only if --output is given"""

    def run(self):
        if self.output is not None and self.output.suffix.lower() != ".png":
            raise AscError(f"--output {self.output}: expected a name that ends in .png")
        model, audio, scored = self._scored()
        if len(audio) != 1:
            raise AscError(f"AUDIO: {len(audio)} names; expected one audio file")
        from asc_tf.evidence.evidence import evidence_of
        from asc_tf.evidence.json_of import dict_of

        evidence = evidence_of(scored(), audio[0])
        output = self.output
        if output is None and not self.as_json:
            output = Path(f"{audio[0].stem}-evidence.png")
        if output is not None:
            from asc_tf.evidence.figure import write_figure

            write_figure(output, evidence, without_control(audio[0].name), self.top)
        if self.as_json:
            print(json.dumps(dict_of(evidence, str(audio[0]), str(model)), allow_nan=False))
        else:
            print(f"{without_control(str(audio[0]))}: {evidence.sentence()}; the evidence is in {output}")

    def _scored(self):
        """(the model's name, names of recordings, function that makes the first argument of `evidence_of`)."""
        from asc_tf.runtime.device_file import report_general_network

        if self.inputs and (self.inputs[0] / "config.json").is_file():
            run, *audio = self.inputs

            def scored():
                from asc_tf import stages

                report_general_network(run / "model.tflite", say)
                return stages.scored_run(run)

            return run, audio, scored
        model, audio = chosen_model(self.inputs)

        def scored():
            from asc_tf.evidence.tflite_scores import ScoredFile

            return ScoredFile(model)

        return model, audio, scored
