"""Files that appear whole or not at all, their checksums, and locks that let one process write at a time."""

from asc_tf.atomic.checksums import check_sums, checked_file, read_checked, write_checked, write_sums
from asc_tf.atomic.files import check_replaceable, part_beside, whole_file, write_text
from asc_tf.atomic.locks import check_new, exclusive, exclusive_file

__all__ = [
    "check_new",
    "check_replaceable",
    "check_sums",
    "checked_file",
    "exclusive",
    "exclusive_file",
    "part_beside",
    "read_checked",
    "whole_file",
    "write_checked",
    "write_sums",
    "write_text",
]
