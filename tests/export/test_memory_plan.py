"""Order of the operators and places of the maps for an interpreter of microcontrollers."""

import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema
from tflite_answers import answers

from asc_tf.export.memory_plan import (
    _SEARCHES,
    ENTRY,
    _Block,
    _packed_blocks,
    bytes_of,
    least_bytes,
    planned_bytes,
    with_memory_plan,
)
from asc_tf.export.scheduling import least_growth_order, scheduled
from asc_tf.micro.arena import measured_arena, micro_interpreter, run
from asc_tf.runtime.shipped import shipped_models


@pytest.fixture(scope="module")
def content():
    return shipped_models()["procedural-scenes"].path.read_bytes()


@pytest.fixture(scope="module")
def planned(content):
    return with_memory_plan(content)


def opened(content):
    return schema.ModelT.InitFromObj(schema.Model.GetRootAs(content, 0))


def test_order_and_plan_change_no_bit_of_the_answers(content, planned):
    expected = answers(content)[1]
    assert np.array_equal(answers(planned)[1], expected)
    assert np.array_equal(answers(scheduled(content))[1], expected)


def test_a_slab_goes_through_all_its_operators_before_the_next_one_begins():
    wide, narrow = ["a", "b", "c"], ["A", "B", "C"]
    steps = [*((["x"], [name]) for name in wide), *(([name], [name.upper()]) for name in wide), (narrow, ["y"])]
    sizes = {"x": 10, "y": 3} | dict.fromkeys(wide, 20) | dict.fromkeys(narrow, 1)
    assert least_growth_order(steps, sizes, ["y"]) == [0, 3, 1, 4, 2, 5, 6]


def test_maps_that_live_at_once_do_not_overlap_but_for_a_sum_in_its_inputs_place(planned):
    model = opened(planned)
    graph = model.subgraphs[0]
    (entry,) = [entry for entry in model.metadata if entry.name == ENTRY]
    numbers = np.frombuffer(bytes(bytearray(model.buffers[entry.buffer].data)), np.int32)
    assert numbers[:3].tolist() == [1, 0, len(graph.tensors)]
    offsets = numbers[3:]
    assert (offsets[offsets >= 0] % 16 == 0).all()
    last = {int(index): step for step, op in enumerate(graph.operators) for index in (*op.inputs, *op.outputs)}
    last.update({int(index): len(graph.operators) for index in graph.outputs})
    alive = {int(index) for index in graph.inputs}
    in_place = 0
    for step, operator in enumerate(graph.operators):
        written = [int(index) for index in operator.outputs]
        for index in written:
            for other in alive:
                apart = (
                    offsets[index] + bytes_of(graph.tensors[index]) <= offsets[other]
                    or offsets[other] + bytes_of(graph.tensors[other]) <= offsets[index]
                )
                if not apart:
                    assert offsets[index] == offsets[other] and last[other] == step
                    assert other in map(int, operator.inputs)
                    in_place += 1
        alive = {index for index in {*alive, *written} if last[index] > step}
    assert in_place > 5
    assert least_bytes(model, graph) <= planned_bytes(planned) < 1.1 * least_bytes(model, graph)


def test_the_interpreter_follows_the_plan(content, planned):
    pytest.importorskip("tflite_micro")
    before, after = measured_arena(content), measured_arena(planned)
    assert after.maps == pytest.approx(planned_bytes(planned), abs=1024)
    assert after.maps < before.maps
    numbers, _ = answers(content)
    found = [run(micro_interpreter(each), numbers).copy() for each in (content, planned)]
    assert np.array_equal(*found)


def test_a_file_without_a_plan_says_none(content):
    assert planned_bytes(content) is None


def test_a_longer_search_finds_a_lower_plan():
    """Here the lowest that there can be: as high as the blocks that live at once; and no two of them overlap."""
    generator = np.random.default_rng(3)
    firsts = generator.integers(0, 60, 40)
    blocks = [
        _Block([index], 16 * int(generator.integers(1, 100)), int(first), int(first + generator.integers(0, 12)))
        for index, first in enumerate(firsts)
    ]
    quick, best = _packed_blocks(blocks, _SEARCHES[:1]), _packed_blocks(blocks)
    heights = [max(at + block.size for block, at in plan) for plan in (quick, best)]
    alive = [sum(block.size for block in blocks if block.first <= step <= block.last) for step in range(72)]
    assert heights[0] > heights[1] == max(alive)
    for one, at in best:
        for other, there in best:
            together = one is not other and one.first <= other.last and other.first <= one.last
            assert not together or at + one.size <= there or there + other.size <= at
