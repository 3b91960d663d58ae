"""Lines for the user of the command line."""

import sys


def say(line):
    """Print a line of progress or an error; results go to standard output."""
    print(line, file=sys.stderr, flush=True)
