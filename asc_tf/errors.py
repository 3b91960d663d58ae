"""The error that a user's mistake raises, and the sentences that many places say."""


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
    import difflib  # few runs need it, and all would load it

    close = difflib.get_close_matches(word, known, n=1, cutoff=0.5)
    return f"did you mean '{close[0]}'?" if close else otherwise or f"expected one of {', '.join(known)}"


def unreadable(path, error, expected=None):
    """The AscError of a file or folder that raised `error` when it was read; `expected` says what should be there."""
    ending = f"; expected {expected}" if expected else ""
    return AscError(f"{path}: cannot be read ({reason_of(error)}){ending}")


def unwritable(path, error):
    """The AscError of a file or folder that raised `error` when it was written."""
    return AscError(f"{path}: cannot be written ({reason_of(error)})")


def not_installed(user, package, extra, otherwise=""):
    """The AscError of a flag or a part of the program, `user`, that needs a package of an extra of asc-tf.

    `otherwise` says how to do without it.
    """
    return AscError(f"{user}: needs {package}; install it by: pip install 'asc-tf[{extra}]'{otherwise}")


def reason_of(error):
    """One line on why a file could not be read or written, without its path: the path stands before it."""
    if isinstance(error, KeyError):
        return f"it has no {error.args[0]!r}"
    text = getattr(error, "strerror", None) or getattr(error, "message", None) or str(error)
    return (text.strip().splitlines() or [""])[0][:300] or type(error).__name__


def shown(name):
    """A name for a sentence: in quotes, and `escaped`."""
    return f"'{escaped(name, 60)}'"


def escaped(name, longest=200):
    """A name cut to a length, with Python's escapes for characters that cannot be printed."""
    return repr(name if len(name) <= longest else f"{name[: longest - 3]}...")[1:-1]
