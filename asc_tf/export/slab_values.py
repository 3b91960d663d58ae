"""Maps that are not computed yet: whole, or in slabs of frequency."""

import functools
import operator

import numpy as np
import tensorflow as tf

BINS_AXIS = 1


class WholeMap:
    """A map that is computed when it is first asked for."""

    def __init__(self, compute):
        self.whole = functools.cache(compute)

    def item(self, index):
        """One of the maps of a list."""
        return WholeMap(lambda: self.whole()[index])

    def parts_as(self, count):
        """This map in so many slabs, as functions; a row for all bins is the same for each."""

        @functools.cache
        def parts():
            whole = self.whole()
            return [whole] * count if whole.shape[BINS_AXIS] == 1 else tf.split(whole, count, axis=BINS_AXIS)

        return [functools.partial(lambda index: parts()[index], index) for index in range(count)]


class MeanRow(WholeMap):
    """The mean over frequency, from that of each slab.

    Args:
        layer: the mean over frequency.
        parts: functions that give it for one slab, [1, 1, time, channel].
    """

    def __init__(self, layer, parts):
        super().__init__(lambda: layer(tf.concat([part() for part in parts], axis=BINS_AXIS)))
        self._parts = parts

    def convolved(self, kernel, bias):
        """Its depthwise convolution over time, with kernel [1, frames, channel, 1], in one operator with the mean."""
        count, channels = len(self._parts), kernel.shape[2]
        wide = np.tile(kernel[..., 0, np.newaxis] * np.eye(channels, dtype=np.float32), (1, 1, count, 1)) / count
        return tf.nn.conv2d(tf.concat([part() for part in self._parts], axis=-1), wide, 1, "SAME") + bias


class Slabs:
    """A map in slabs of frequency, each computed when it is first asked for."""

    def __init__(self, bins, parts):
        self.bins = bins
        self.parts = [functools.cache(part) for part in parts]

    @functools.cached_property
    def _joined(self):
        return tf.concat([part() for part in self.parts], axis=BINS_AXIS)

    def whole(self):
        return self._joined

    def item(self, index):
        """One of the maps of a list."""
        return Slabs(self.bins, [functools.partial(lambda part: part()[index], part) for part in self.parts])

    def with_margin(self, index, margin):
        """A slab with the bins beside it, fewer at the ends."""
        parts = [self.parts[index]()]
        if index:
            parts.insert(0, _bins_of(self.parts[index - 1](), -margin))
        if index + 1 < len(self.parts):
            parts.append(_bins_of(self.parts[index + 1](), margin))
        return tf.concat(parts, axis=BINS_AXIS)


class RecomputedSlabs(Slabs):
    """A map in slabs that computes the bins beside a slab anew.

    The last two slabs, beside which the others wait, are computed in halves.

    Args:
        bins: of the map.
        count: of the slabs.
        rows: function (first bin, bin after the last) -> these bins.
    """

    def __init__(self, bins, count, rows):
        self._rows, self._size = functools.cache(rows), bins // count
        starts = range(0, bins, self._size)
        super().__init__(bins, [functools.partial(self.rows, first, first + self._size) for first in starts])

    def followed_by(self, layer):
        """A layer of each bin by itself, after this one."""
        return RecomputedSlabs(self.bins, len(self.parts), lambda first, end: layer(self._rows(first, end)))

    def item(self, index):
        return self.followed_by(operator.itemgetter(index))

    def rows(self, first, end):
        if end + self._size <= self.bins:
            return self._rows(first, end)
        half = (first + end) // 2
        return tf.concat([self._rows(first, half), self._rows(half, end)], axis=BINS_AXIS)

    def with_margin(self, index, margin):
        first = index * self._size
        return self.rows(max(first - margin, 0), min(first + self._size + margin, self.bins))


def _bins_of(part, count):
    """The first bins of a map, or its last ones for a negative count."""
    _, bins, frames, channels = part.shape
    return tf.slice(part, (0, bins + count if count < 0 else 0, 0, 0), (1, abs(count), frames, channels))
