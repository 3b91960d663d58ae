from asc_tf.complexity.liveness import memory_at_steps

SIZES = {"input": 10, "a": 100, "b": 7, "c": 50, "d": 20}


def test_a_chain_holds_two_tensors_at_a_time():
    steps = [(["input"], ["a"]), (["a"], ["b"]), (["b"], ["c"])]
    assert memory_at_steps(steps, SIZES, ["c"]) == [110, 107, 57]


def test_a_skipped_tensor_stays_until_it_is_added():
    steps = [(["input"], ["a"]), (["a"], ["b"]), (["b"], ["c"]), (["a", "c"], ["d"])]
    assert memory_at_steps(steps, SIZES, ["d"]) == [110, 107, 157, 170]


def test_an_input_is_there_from_the_start_and_an_output_until_the_end():
    steps = [(["input"], ["a"]), (["a"], ["b"]), (["b", "late"], ["c"])]
    assert memory_at_steps(steps, {**SIZES, "late": 1000}, ["a", "c"]) == [1110, 1107, 1157]


def test_a_result_that_nobody_reads_takes_memory_while_it_is_written():
    assert memory_at_steps([(["input"], ["a", "b"]), (["a"], ["c"])], SIZES, ["c"]) == [117, 150]


def test_the_same_memory_under_another_name_counts_once():
    assert memory_at_steps([(["input"], ["a"]), (["a"], ["a"]), (["a"], ["b"])], SIZES, ["b"]) == [110, 100, 107]
