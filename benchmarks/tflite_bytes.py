"""The purposes of a .tflite file's bytes, read from the flatbuffer itself. Needs no TensorFlow."""

import struct

import numpy as np
from ai_edge_litert import schema_py_generated as schema

PURPOSES = (
    "kernels",
    "biases",
    "other numbers",
    "scales",
    "operator records",
    "tensor records",
    "metadata",
    "the rest",
)
_NUMBERS, _SCALES, _OPERATORS, _TENSORS, _METADATA = 2, 3, 4, 5, 6
# Slots of the tables in the format's schema that this module follows.
_MODEL = {"codes": 1, "graphs": 2, "description": 3, "buffers": 4, "metadata": 6}
_GRAPH = {"tensors": 0, "inputs": 1, "outputs": 2, "operators": 3, "name": 4}
_WITH_BIAS = {schema.BuiltinOperator.CONV_2D, schema.BuiltinOperator.DEPTHWISE_CONV_2D}


def bytes_by_purpose(content):
    """{purpose: bytes} of a .tflite file's bytes, for each of PURPOSES; they add up to its length.

    A place with two purposes counts for the first. Numbers include their lengths, scales their zero points; an
    operator's record is its table, its lists of inputs and outputs and its options, a tensor's its table, shape, name
    and quantization table. The rest: tables' layouts, buffers' tables, alignment.
    """
    file = _Flatbuffer(content)
    root = file.integer(0)
    file.table(root, None)
    (graph,) = file.tables(root, _MODEL["graphs"], None)
    file.table(graph, None)
    for code in file.tables(root, _MODEL["codes"], _OPERATORS):
        file.table(code, _OPERATORS)
        file.vector(code, 1, 1, _OPERATORS)
    for buffer, purpose in zip(file.tables(root, _MODEL["buffers"], None), _purposes(content), strict=True):
        file.vector(buffer, 0, 1, purpose)
    for tensor in file.tables(graph, _GRAPH["tensors"], _TENSORS):
        file.table(tensor, _TENSORS)
        for slot, size in ((0, 4), (3, 1), (7, 4)):  # shape, name, shape signature
            file.vector(tensor, slot, size, _TENSORS)
        quantization = file.follow(tensor, 4)
        if quantization is not None:
            file.table(quantization, _TENSORS)
            for slot, size in ((0, 4), (1, 4), (2, 4), (3, 8)):  # range, scales, zero points
                file.vector(quantization, slot, size, _SCALES)
    for operator in file.tables(graph, _GRAPH["operators"], _OPERATORS):
        file.table(operator, _OPERATORS)
        file.vector(operator, 1, 4, _OPERATORS)
        file.vector(operator, 2, 4, _OPERATORS)
        options = file.follow(operator, 4)
        if options is not None:
            file.table(options, _OPERATORS)
    for entry in file.tables(root, _MODEL["metadata"], _METADATA):
        file.table(entry, _METADATA)
        file.vector(entry, 0, 1, _METADATA)
    file.vector(root, _MODEL["description"], 1, _METADATA)
    counts = np.bincount(np.where(file.owner < 0, len(PURPOSES) - 1, file.owner), minlength=len(PURPOSES))
    return dict(zip(PURPOSES, map(int, counts), strict=True))


def _purposes(content):
    """For each buffer: index in PURPOSES."""
    model = schema.ModelT.InitFromObj(schema.Model.GetRootAs(content, 0))
    found = [_NUMBERS] * len(model.buffers)
    for graph in model.subgraphs:
        for operator in graph.operators:
            code = model.operatorCodes[operator.opcodeIndex]
            if max(code.builtinCode, code.deprecatedBuiltinCode) in _WITH_BIAS:
                for purpose, index in enumerate(operator.inputs[1:3]):
                    found[graph.tensors[index].buffer] = purpose
    for entry in model.metadata or []:
        found[entry.buffer] = _METADATA
    return found


class _Flatbuffer:
    """Tables and vectors at their positions, and the bytes seen so far: `owner` [byte], -1 or an index in PURPOSES."""

    def __init__(self, content):
        self._content = content
        self.owner = np.full(len(content), -1)

    def integer(self, place):
        return struct.unpack_from("<I", self._content, place)[0]

    def table(self, place, purpose):
        layout = place - struct.unpack_from("<i", self._content, place)[0]
        self._own(place, struct.unpack_from("<H", self._content, layout + 2)[0], purpose)

    def follow(self, table, slot):
        """Position that the table's field points to, or None."""
        layout = table - struct.unpack_from("<i", self._content, table)[0]
        if 4 + 2 * slot >= struct.unpack_from("<H", self._content, layout)[0]:
            return None
        (field,) = struct.unpack_from("<H", self._content, layout + 4 + 2 * slot)
        return table + field + self.integer(table + field) if field else None

    def vector(self, table, slot, element_bytes, purpose):
        place = self.follow(table, slot)
        if place is not None:
            self._own(place, 4 + element_bytes * self.integer(place), purpose)
        return place

    def tables(self, table, slot, purpose):
        """Positions of a vector's tables."""
        place = self.vector(table, slot, 4, purpose)
        starts = [] if place is None else range(place + 4, place + 4 + 4 * self.integer(place), 4)
        return [start + self.integer(start) for start in starts]

    def _own(self, place, length, purpose):
        if purpose is not None:
            part = self.owner[place : place + length]
            part[part < 0] = purpose
