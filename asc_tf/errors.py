"""The error that a user's mistake raises."""

import difflib


class AscError(Exception):
    """A mistake of the user's: one sentence that names the file or setting, the value found and the value expected.

    The command line prints it without a traceback and exits with its `status`.
    """

    status = 1


class WorkerLostError(AscError):
    """Another worker of a training on several machines is gone. No mistake: starting all workers again continues."""

    status = 75  # EX_TEMPFAIL of sysexits.h: try again


class DivergedError(AscError):
    """A training whose loss or weights became infinite or NaN because of its settings."""


class DamagedError(AscError):
    """A file whose content differs from what was written into it."""


def nearest(word, known, otherwise=None):
    """Return "did you mean 'X'?" with the nearest of the `known` words; if none is near, `otherwise` or their list."""
    close = difflib.get_close_matches(word, known, n=1, cutoff=0.5)
    return f"did you mean '{close[0]}'?" if close else otherwise or f"expected one of {', '.join(known)}"
