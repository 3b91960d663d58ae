"""Agreement of an exported file's probabilities with the Keras model's, and its bounds."""

from dataclasses import dataclass

import numpy as np

from asc_tf.errors import AscError

SMALLEST = 1e-7  # smallest probability in a logarithm


class DisagreementError(AscError):
    """A file that differs from the Keras model beyond the bound of its format."""


@dataclass(frozen=True)
class Bound:
    """What an export may change: a probability, the share of clips with the same first scene, the mean log loss."""

    difference: float
    agreement: float
    log_loss: float


BOUNDS = {
    "float": Bound(difference=1e-3, agreement=1.0, log_loss=1e-3),
    "float16": Bound(difference=2e-2, agreement=0.98, log_loss=1e-2),
    "int8": Bound(difference=1.0, agreement=0.9, log_loss=0.1),
}
"""Bounds of each format. Single 8-bit probabilities may be off by any amount, as between two equally likely scenes."""


@dataclass(frozen=True)
class Agreement:
    """Probabilities [clips, classes] by the Keras model and by the file, on clips of known device and scene.

    Args:
        expected, found: by the Keras model, by the file.
        labels: index of each clip's scene, or None: then without log loss.
        devices: name of each clip's device, or None.
    """

    expected: np.ndarray
    found: np.ndarray
    labels: np.ndarray | None = None
    devices: np.ndarray | None = None

    @property
    def difference(self):
        """Largest difference of a probability."""
        return float(np.abs(self.expected - self.found).max())

    @property
    def same_scene(self):
        """For each clip, whether the file puts the same scene first.

        If two scenes are equally likely within rounding, either may come first.
        """
        top = np.take_along_axis(self.expected, self.found.argmax(axis=1)[:, np.newaxis], axis=1)[:, 0]
        return self.expected.max(axis=1) - top <= min(self.difference, BOUNDS["float"].difference)

    @property
    def log_loss_change(self):
        """For each clip, log loss of the file minus that of the Keras model; 0 without labels."""
        if self.labels is None:
            return np.zeros(len(self.found))
        rows = np.arange(len(self.labels))
        before, after = (np.log(np.maximum(p[rows, self.labels], SMALLEST)) for p in (self.expected, self.found))
        return before - after

    def check(self, format):
        """Raise a DisagreementError if the file differs more than BOUNDS allows this format."""
        bound = BOUNDS[format]
        same, change = self.same_scene.mean(), self.log_loss_change.mean()
        problem = None
        if not self.difference <= bound.difference:
            problem = f"a probability differs by {self.difference:.2g}", f"at most {bound.difference}"
        elif not same >= bound.agreement:
            problem = f"the first scene is the same for {100 * same:.1f} %", f"at least {100 * bound.agreement:g} %"
        elif not change <= bound.log_loss:
            problem = f"the log loss rises by {change:.3f}", f"at most {bound.log_loss}"
        if problem:
            raise DisagreementError(
                f"the file disagrees with the Keras model: {problem[0]} on {len(self.found)} clips; "
                f"expected {problem[1]}"
            )

    def table(self):
        """Lines for the user: clips, share with the same first scene and change of the log loss, for each device."""
        devices = np.full(len(self.found), "all") if self.devices is None else np.asarray(self.devices)
        groups = [(name, devices == name) for name in sorted(set(devices))]
        if len(groups) > 1:
            groups.append(("all", np.ones(len(devices), bool)))
        width = max(len("device"), *(len(name) for name, _ in groups))
        lines = [f"{'device':{width}}  clips  same first scene  log loss change"]
        for name, chosen in groups:
            same, change = 100 * self.same_scene[chosen].mean(), self.log_loss_change[chosen].mean()
            lines.append(f"{name:{width}}  {chosen.sum():5}  {same:14.1f} %  {change:+15.4f}")
        return "\n".join(lines)
