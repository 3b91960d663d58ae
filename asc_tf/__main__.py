"""`python -m asc_tf` and the command `asc-tf`: what must hold before anything else is imported."""

import os
import signal
import sys

_GOES_ON = "the same command goes on where it stopped"
_TRAINS = ("train", "launch", "finetune", "bench", "compress", "search", "translate")
_HUGE_PAGES = "glibc.malloc.hugetlb"


def main():
    """Run the command line; returns the exit status. Ctrl-C and SIGTERM end it at any moment, with one line."""
    try:
        start_with_huge_pages(sys.argv[1:])
        _hear_signals()
        from asc_tf.terminal import prepare_streams

        if not prepare_streams():
            _write("standard output is closed; expected a terminal, a file or a pipe (>/dev/null prints nothing)")
            return 1
        from asc_tf.cli import main as run

        return run(sys.argv[1:])
    except KeyboardInterrupt:
        _write(f"interrupted; {_GOES_ON}")
        return 128 + signal.SIGINT
    finally:
        if signal.getsignal(signal.SIGINT) is not signal.SIG_IGN:
            signal.signal(signal.SIGINT, signal.SIG_DFL)  # everything is written; libraries take their time to end


def start_with_huge_pages(arguments, setting="/sys/kernel/mm/transparent_hugepage/enabled"):
    """Start a command that trains once more, with its memory in huge pages, where Linux leaves the choice to programs.

    A step of training reads and writes a gigabyte, and finds it faster in pages of 2 MB. glibc asks for them if
    GLIBC_TUNABLES says so when the process starts; where the variable sets `glibc.malloc.hugetlb`, nothing is changed.

    Args:
        arguments: of the command line; the first one is the command.
        setting: file of Linux's choice, "always [madvise] never" where programs have to ask.
    """
    tunables = os.environ.get("GLIBC_TUNABLES", "")
    if not arguments or arguments[0] not in _TRAINS or _HUGE_PAGES in tunables:
        return
    if not sys.executable or sys.orig_argv[-len(arguments) :] != arguments:  # a program calls this one
        return
    try:
        with open(setting, encoding="ascii") as file:
            programs_ask = "[madvise]" in file.read()
    except OSError:  # not Linux, or built without them
        return
    if programs_ask:
        os.environ["GLIBC_TUNABLES"] = ":".join(filter(None, (tunables, f"{_HUGE_PAGES}=1")))
        os.execv(sys.executable, sys.orig_argv)


def _hear_signals():
    """Have SIGINT raise KeyboardInterrupt and SIGTERM SystemExit, and either end an import at once.

    An import holds nothing that could be lost, and an interrupted library reports the signal as all kinds of errors.
    SIGINT stays ignored if a shell started the process so. Workers of a training on several machines keep the system's
    default, since they may hang in native code, where no Python handler is called.
    """
    process = os.getpid()

    def interrupted(number, frame):
        if os.getpid() == process and _imports(frame):
            _write(f"interrupted; {_GOES_ON}")
            os._exit(128 + number)
        raise KeyboardInterrupt

    def terminated(number, frame):
        if os.getpid() == process:  # a forked child prints nothing
            _write(f"terminated; {_GOES_ON}")
            if not _imports(frame):
                raise SystemExit(128 + number)
        os._exit(128 + number)

    if signal.getsignal(signal.SIGINT) is not signal.SIG_IGN:
        signal.signal(signal.SIGINT, interrupted)
    if "TF_CONFIG" not in os.environ:
        signal.signal(signal.SIGTERM, terminated)


def _imports(frame):
    while frame is not None and frame.f_code.co_filename != "<frozen importlib._bootstrap>":
        frame = frame.f_back
    return frame is not None


def _write(sentence):
    import contextlib

    try:
        descriptor = sys.stderr.fileno()  # 2 may be hidden, see asc_tf.quiet
    except (AttributeError, OSError, ValueError):
        descriptor = 2
    with contextlib.suppress(OSError):  # nobody reads it
        os.write(descriptor, f"asc-tf: {sentence}\n".encode())


if __name__ == "__main__":
    sys.exit(main())
