"""Lines for the user of the command line."""

import sys


def say(line):
    """Print a line of progress or an error; results go to standard output."""
    print(line, file=sys.stderr, flush=True)


def show_files(done, total):
    """A count that stays on its line of a terminal."""
    if sys.stderr.isatty():
        print(f"\r{done} of {total} files", end="\n" if done == total else "", file=sys.stderr, flush=True)
