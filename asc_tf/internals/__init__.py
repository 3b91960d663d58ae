"""Private names of other libraries: one module a library, each use with its reason and a test."""
