"""Writing .tflite files without duplicates. Needs no TensorFlow."""

import numpy as np

from asc_tf.internals.flatbuffers import RevocableBuilder

_BUFFER_ALIGNMENT = 16  # required by the format: runtimes map weights into memory


class SharingBuilder(RevocableBuilder):
    """A flatbuffer builder that writes equal content once and lets all references point to it.

    It shares vectors of plain numbers: buffers, shapes, scales and, by far the most, the zero points of symmetric
    kernels, 8 bytes a channel, all 0. Any position with the same bytes serves, since the length and the first number of
    one vector may be the numbers of another. It also shares tables: most operators' options and many tensors are alike.
    Vectors of offsets are never shared: equal bytes at two positions point to two different things. Vectors of bytes
    are aligned, as the format requires for buffers.

    Afterwards only text may change in the bytes, since no vector of numbers equals a text.
    """

    def __init__(self, size):
        super().__init__(size)
        self._tables = {}
        self._vector = None
        self._has_offsets = False

    def StartVector(self, elem_size, num_elems, alignment):
        alignment = _BUFFER_ALIGNMENT if elem_size == 1 and num_elems else alignment
        self._vector = self.Offset(), 4 + elem_size * num_elems, alignment
        self._has_offsets = False
        return super().StartVector(elem_size, num_elems, alignment)

    def PrependUOffsetTRelative(self, offset):
        self._has_offsets = True
        super().PrependUOffsetTRelative(offset)

    def EndVector(self, *arguments):
        vector, started = super().EndVector(*arguments), self._vector
        self._vector = None
        if started is None or self._has_offsets:  # a string begins no vector
            return vector
        before, size, alignment = started
        earlier = self._earlier(size, max(alignment, 4))
        if earlier is None:
            return vector
        self.take_back(before)  # what was written again
        return earlier

    def _earlier(self, size, alignment):
        """Offset of an older vector that is equal to the one just written, or None."""
        buffer, begin = self.written()
        vector = bytes(buffer[begin : begin + size])
        place = buffer.find(vector, begin + size)
        while place >= 0:
            offset = len(buffer) - place
            if offset % 4 == 0 and (offset - 4) % alignment == 0:
                return offset
            place = buffer.find(vector, place + 1)
        return None

    def StartObject(self, fields):
        self._table = self.Offset(), [fields]
        super().StartObject(fields)

    def PrependSlot(self, flags, slot, value, default):
        self._table[1].append((slot, flags.bytewidth, value))
        super().PrependSlot(flags, slot, value, default)

    def PrependUOffsetTRelativeSlot(self, slot, offset, default):
        self._table[1].append((slot, "offset", offset))
        super().PrependUOffsetTRelativeSlot(slot, offset, default)

    def EndObject(self):
        before, fields = self._table
        key = tuple(fields)
        if key not in self._tables:
            self._tables[key] = super().EndObject()
        else:
            self.take_back_object(before)  # its fields were written again
        return self._tables[key]


def packed(model):
    """Bytes of a `schema.ModelT`."""
    builder = SharingBuilder(1024)
    _write_buffers(builder, model)
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())


def _write_buffers(builder, model):
    """Write all buffers, and some of the many short vectors of indices into the gaps of their alignment.

    Content that packing the model writes later then exists already and is shared.
    """
    short = {}
    for graph in model.subgraphs:
        for operator in graph.operators:
            for indices in (operator.inputs, operator.outputs):
                vector = np.asarray(indices, np.int32)
                short.setdefault(4 + vector.nbytes, {})[vector.tobytes()] = vector
    for buffer in model.buffers:
        if buffer.data is None:
            continue
        data = np.asarray(buffer.data, np.uint8)
        gap = -(builder.Offset() + len(data)) % _BUFFER_ALIGNMENT
        fitting = [size for size, vectors in short.items() if 8 <= size <= gap and vectors]
        if fitting:
            builder.CreateNumpyVector(short[max(fitting)].popitem()[1])
        builder.CreateNumpyVector(data)
