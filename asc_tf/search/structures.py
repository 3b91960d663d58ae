"""The networks of a space that are within a budget, known before any training."""

import json
import math
from pathlib import Path

import numpy as np
import tf_keras as keras

from asc_tf.atomic import write_text
from asc_tf.complexity.keras_account import keras_account
from asc_tf.errors import AscError
from asc_tf.experiment.build import build_frontend, build_model
from asc_tf.export.shrinking import shrunk
from asc_tf.export.tflite import network_file
from asc_tf.micro.prediction import least_footprint, predicted_footprint
from asc_tf.runtime.latency import latencies
from asc_tf.search.budget import cost_of


class Structures:
    """The largest width within the budget for each combination of a space's other structural dimensions.

    A wider network costs more in every respect, so bisection finds the largest width with a few networks per
    combination; they are built, not trained. `keep` writes a file for resumed searches and for workers.

    Args:
        space: a `Space`.
        dataset: `Dataset` of the training clips.
        budget: a `Budget`.
        path: of the JSON file.
        report: called with lines for the user.

    Raises:
        AscError: no network is within the budget.
    """

    def __init__(self, space, dataset, budget, path, report=print):
        self.space, self.dataset, self.budget, self.path = space, dataset, budget, Path(path)
        self._combinations, self._widths = space.combinations()
        if self.path.is_file():
            self._largest = self._read()
        else:
            self._largest = self._find(report)
            report(f"{self._fitting()} of {len(self._combinations) * len(self._widths)} networks are within the budget "
                   f"{budget.text}")  # fmt: skip

    def _read(self):
        try:
            largest = json.loads(self.path.read_bytes())
            keys = {self._key(values) for values in self._combinations}
            if largest.keys() == keys and all(width is None or isinstance(width, int) for width in largest.values()):
                return largest
            problem = "it is of another space"
        except (OSError, ValueError, AttributeError, RecursionError) as error:
            problem = str(error)
        raise AscError(f"{self.path}: cannot be read ({problem}); delete it and run the same command again")

    def keep(self):
        """Write the networks found, unless the file exists."""
        if not self.path.is_file():
            write_text(self.path, json.dumps(self._largest, indent=2) + "\n")

    def fits(self, values):
        """Whether the network of values {name: value} is within the budget."""
        largest = self._largest.get(self._key(values))
        return largest is not None and values.get("width", 0) <= largest

    def count(self):
        """Number of networks of the space within the budget: infinity if the space varies a real number."""
        if any(not dimension.structural for dimension in self.space.dimensions):
            return math.inf
        return self._fitting()

    def _fitting(self):
        return sum(self.fits({**values, **_width(width)}) for values in self._combinations for width in self._widths)

    def cost(self, network):
        """The `Cost` of a network; its latency is measured, its RAM and flash are known, if the budget limits them."""
        account = keras_account(network, self.dataset.clip_seconds)
        return cost_of(account, self._latency(network), self._footprint(network))

    def _find(self, report):
        combinations, widths, largest = self._combinations, self._widths, {}
        for number, values in enumerate(combinations, start=1):
            fitting = list(self._bisected(values, widths))
            largest[self._key(values)] = max(fitting, default=None)
            if len(combinations) > 1:
                report(f"budget {self.budget.text}: combination {number} of {len(combinations)}, {self._text(fitting)}")
        if all(width is None for width in largest.values()):
            smallest = self.cost(self._network(self.space.configured({**combinations[0], **_width(widths[0])})))
            raise AscError(
                f"--budget {self.budget.text}: no network of --space {self.space.text} is within it; the smallest has "
                f"{_words(smallest)}"
            )
        return largest

    def _bisected(self, values, widths):
        """Widths within the budget, met on the way to the largest; 0 means a fixed width."""
        low, high = 0, len(widths)
        while low < high:
            middle = (low + high) // 2
            if self._within({**values, **_width(widths[middle])}):
                yield widths[middle] or 0
                low = middle + 1
            else:
                high = middle

    def _within(self, values):
        try:
            network = self._network(self.space.configured(values))
        except AscError:  # such as sub-bands that do not divide the bins
            return False
        if not self.budget.admits(keras_account(network, self.dataset.clip_seconds)):
            return False
        if self.budget.latency_ms < math.inf and self._latency(network) > self.budget.latency_ms:
            return False
        if not self.budget.limits_chip:
            return True
        least = least_footprint(network, *self._heard())  # conversion takes seconds: not if this is too much
        return self.budget.admits_on_chip(least) and self.budget.admits_on_chip(self._footprint(network))

    def _network(self, config):
        keras.backend.clear_session()
        return build_model(config, self.dataset)

    def _latency(self, network):
        """Median milliseconds of the 8-bit file of features, for an untrained network; None without a limit."""
        if self.budget.latency_ms == math.inf:
            return None
        shape = network.input_shape[1:]
        noise = np.random.default_rng(0).normal(0, 1, (4, *shape)).astype(np.float32)
        content = shrunk(network_file(network, shape, "int8", noise, float_input=False))
        return float(np.median(latencies({"": content}, rounds=5, runs=5)[""]))

    def _footprint(self, network):
        """`Footprint` of a network on a microcontroller; None without a limit."""
        return predicted_footprint(network, *self._heard()) if self.budget.limits_chip else None

    def _heard(self):
        """The frontend, the scenes and the seconds of a window."""
        return build_frontend(self.space.config), self.dataset.scenes, self.dataset.clip_seconds

    def _key(self, values):
        return " ".join(f"{name}={values[name]}" for name in self._combinations[0])

    def _text(self, widths):
        if not widths:
            return "none is within it"
        return f"width up to {max(widths)}" if max(widths) else "is within it"


def _words(cost):
    """A `Cost` in words, without what no budget limits."""
    words = [f"{cost.bytes:,} bytes", f"{cost.macs:,} MACs"]
    if cost.latency_ms is not None:
        words.append(f"{cost.latency_ms:.2f} ms")
    if cost.ram_bytes is not None:
        words += [f"{cost.ram_bytes:,} bytes of RAM", f"{cost.flash_bytes:,} bytes of flash on a microcontroller"]
    return ", ".join(words)


def _width(width):
    return {} if width is None else {"width": width}
