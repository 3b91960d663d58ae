"""The command `asc-tf launch`."""

import dataclasses
import signal
import sys
from dataclasses import dataclass
from typing import Annotated

from tyro.conf import Positional, arg

from asc_tf.errors import AscError
from asc_tf.experiment.setting import Setting
from asc_tf.terminal import say


@dataclass
class Launch:
    """Run 'asc-tf train' as several workers on this machine and start all of them again when one fails.

    asc-tf launch --workers 2 train --data ROOT --run RUN ...

    They go on from the last checkpoint. Three restarts without a new one are the limit. The workers are in a network
    of their own, so that no other machine reaches their ports.
    """

    command: Annotated[Positional[tuple[str, ...]], arg(metavar="train ...")]
    """'train' and its flags, as without launch"""
    workers: Annotated[
        int, Setting("processes that share each batch and the processor cores; train.batch_size is a multiple", 1, 4096)
    ] = 2

    def run(self):
        if self.command[:1] != ("train",):
            raise AscError(
                f"launch: is given '{' '.join(self.command[:1])}'; expected train and its flags behind --workers"
            )
        from asc_tf.cli import parse
        from asc_tf.distributed.launcher import launch

        train = parse(list(self.command))
        if train.strategy:
            raise AscError("--strategy: is given; expected none, because launch chooses multi_worker")
        dataclasses.replace(train, trusted_network=False).check()
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))  # so that the workers end first
        command = [sys.executable, "-m", "asc_tf", "train", "--strategy", "multi_worker", *self.command[1:]]

        def newest():
            return sorted(str(path) for path in train.run_folder.glob("**/checkpoints/epoch-*"))

        raise SystemExit(launch(command, self.workers, newest, say, trusted_network=train.trusted_network))


def separated(arguments):
    """Arguments of the command line, with -- before the command that launch runs, whose flags are not launch's."""
    if arguments[:1] != ["launch"] or "train" not in arguments or "--" in arguments:
        return arguments
    start = arguments.index("train")
    return [*arguments[:start], "--", *arguments[start:]]
