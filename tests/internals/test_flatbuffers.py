"""What asc_tf.internals.flatbuffers does with names that are not public."""

import importlib.metadata

from asc_tf.internals.flatbuffers import RevocableBuilder

VERSION = f"flatbuffers {importlib.metadata.version('flatbuffers')}"


def plain(*numbers):
    """A buffer whose root is the last of some tables, of one number each."""
    builder = RevocableBuilder(16)
    for number in numbers:
        builder.StartObject(1)
        builder.PrependInt32Slot(0, number, 0)
        table = builder.EndObject()
    builder.Finish(table)
    return bytes(builder.Output())


def test_what_was_written_last_comes_first():
    builder = RevocableBuilder(16)
    builder.PrependInt32(7)
    buffer, begin = builder.written()
    assert buffer[begin : begin + 4] == b"\x07\0\0\0", f"{VERSION}: the buffer is not filled from its end"


def test_a_number_that_was_taken_back_leaves_no_trace():
    builder = RevocableBuilder(16)
    builder.StartObject(1)
    builder.PrependInt32Slot(0, 5, 0)
    table = builder.EndObject()
    before = builder.Offset()
    builder.PrependInt32(9)
    builder.take_back(before)
    builder.Finish(table)
    assert bytes(builder.Output()) == plain(5), f"{VERSION}: what was taken back is still there"


def test_an_object_that_was_taken_back_leaves_no_trace_and_others_can_begin():
    builder = RevocableBuilder(16)
    builder.StartObject(1)
    builder.PrependInt32Slot(0, 5, 0)
    builder.EndObject()
    before = builder.Offset()
    builder.StartObject(1)
    builder.PrependInt32Slot(0, 5, 0)
    builder.take_back_object(before)
    builder.StartObject(1)
    builder.PrependInt32Slot(0, 6, 0)
    builder.Finish(builder.EndObject())
    assert bytes(builder.Output()) == plain(5, 6), f"{VERSION}: what was taken back is still there"
