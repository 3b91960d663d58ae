"""What we use of other libraries that is not public: one module a library.

Each use says why, and the module's `TESTED` with which versions. `setup.cfg` has the bounds, and tests/internals/ has a
test of each use that says in a sentence what is gone. Importing this package imports no library.
"""
