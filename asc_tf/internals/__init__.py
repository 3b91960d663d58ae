"""Uses of other libraries' names that are not public: one module per library.

Each use states its reason, and the module's `TESTED` the tested versions. `setup.cfg` has the bounds, and
tests/internals/ has a test of each use that reports a missing name in one sentence. Importing this package imports no
library.
"""
