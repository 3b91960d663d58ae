"""Names of extensions of one kind, from this package and others; each is imported on first use."""

import functools
import importlib
import re
import sys
from collections.abc import Mapping
from importlib import metadata

from asc_tf.errors import AscError, nearest

_NAME = re.compile(r"[a-z0-9][a-z0-9_-]*")


class Registry(Mapping):
    """{name: thing} whose things are imported one by one, so that listing the names needs no TensorFlow.

    A name comes from this package, from a call of `register`, or from an entry point of an installed package.

    Args:
        kind: word for one thing, such as "network"; the group of entry points is "asc_tf.networks".
        homes: {name: "module:attribute"} of this package's own, in their order.
    """

    def __init__(self, kind, homes):
        self.kind, self.group, self._homes, self._things = kind, f"asc_tf.{kind}s", dict(homes), {}

    @property
    def own(self):
        """Names of this package's own things."""
        return tuple(self._homes)

    def register(self, name, thing):
        """Add a thing under a name.

        Raises:
            AscError: the name is already used, or is not made of small letters, digits, - and _.
        """
        self._check_free(name, name in self._things or name in self._entry_points())
        self._things[name] = thing

    @property
    def packages(self):
        """Top packages of the things found or registered so far."""
        return {getattr(thing, "__module__", "").partition(".")[0] for thing in self._things.values()}

    def find(self, name):
        """The thing of a name.

        Raises:
            AscError: no such name (names the nearest one), or it cannot be imported.
        """
        if name not in self:
            raise AscError(f"{self.kind} {name}: is not known; {nearest(name, list(self))}")
        return self[name]

    def __getitem__(self, name):
        if name in self._things:
            return self._things[name]
        if name in self._homes:
            module, _, attribute = self._homes[name].partition(":")
            self._things[name] = getattr(importlib.import_module(module), attribute)
        else:
            self._things[name] = self._loaded(self._entry_points()[name])
        return self._things[name]

    def __contains__(self, name):
        return name in self._things or name in self._homes or name in self._entry_points()

    def __iter__(self):
        return iter(dict.fromkeys([*self._homes, *sorted({*self._things, *self._entry_points()} - {*self._homes})]))

    def __len__(self):
        return len(list(iter(self)))

    def _entry_points(self):
        found = _installed(self.group, tuple(sys.path))
        for name, entry in found.items():
            self._check_free(name, False, f" (entry point {entry.value})")
        return found

    def _check_free(self, name, is_taken, where=""):
        if not _NAME.fullmatch(name):
            raise AscError(f"{self.kind} {name!r}{where}: expected a name of small letters, digits, - and _")
        if is_taken or name in self._homes:
            raise AscError(f"{self.kind} {name}{where}: the name is taken; expected another one")

    def _loaded(self, entry):
        try:
            return entry.load()
        except Exception as error:  # of another package's code
            reason = f"{type(error).__name__}: {error}".splitlines()[0]
            raise AscError(f"{self.kind} {entry.name}: {entry.value} cannot be imported ({reason})") from error


@functools.cache
def _installed(group, path):
    """{name: entry point} of the packages installed in the folders of a path; the search takes 0.1 s."""
    return {entry.name: entry for entry in metadata.entry_points(group=group)}
