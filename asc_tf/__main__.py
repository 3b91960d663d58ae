"""`python -m asc_tf` is the command `asc-tf`."""

import sys

from asc_tf.cli import main

sys.exit(main())
