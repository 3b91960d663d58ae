"""Damaged files of a search: one sentence that names the file, or a search that goes on."""

import json
import random
import shutil

import pytest
from search.test_oracles import FakeTraining, tuner_of
from search.test_structures import structures_of

from asc_tf.errors import AscError
from asc_tf.search.oracles import has_ended
from asc_tf.stages.search_trials import read_result

CHANGES = 100
RESULT = {"accuracy": 50.0, "log_loss": 1.5, "worst_device": 40.0, "unseen_gap": None, "epochs": 9, "parameters": 100,
          "bytes": 200, "macs": 3000, "latency_ms": None, "seconds": 2.5}  # fmt: skip


def stopped_after(trials):
    train = FakeTraining()

    def run(*arguments):
        if len(train.trained) == trials:
            raise KeyboardInterrupt
        return train(*arguments)

    return run


@pytest.fixture(scope="module")
def begun(tmp_path_factory):
    """The folder of a search that was stopped in its third trial."""
    folder = tmp_path_factory.mktemp("search")
    with pytest.raises(KeyboardInterrupt):
        tuner_of(folder, "hyperband", stopped_after(2)).search()
    return folder


def changed(content, generator):
    place = generator.randrange(len(content))
    byte = bytes([content[place] ^ 1 << generator.randrange(8)])
    return generator.choice([content[:place] + byte + content[place + 1 :], content[:place]])


@pytest.mark.parametrize("name", ["oracle.json", "trial.json"])
def test_a_damaged_oracle_is_refused_or_goes_on(begun, tmp_path, name):
    generator, refused = random.Random(0), 0
    (place,) = [*begun.rglob(name)][:1]
    content = place.read_bytes()
    for number in range(CHANGES):
        folder = shutil.copytree(begun, tmp_path / str(number))
        path = folder / place.relative_to(begun)
        path.write_bytes(changed(content, generator))
        try:
            tuner_of(folder, "hyperband", FakeTraining())
        except AscError as error:
            refused += 1
            assert ".json: cannot be read (" in str(error) and "\n" not in str(error)
    assert refused > CHANGES / 2


@pytest.mark.parametrize("name", ["oracle.json", "trial.json"])
@pytest.mark.parametrize(
    "change",
    [
        lambda state: state["hyperparameters"]["space"].append({"class_name": "Choice", "config": {}}),
        lambda state: state["hyperparameters"].update(space=[{"class_name": "system", "module": "os", "config": {}}]),
        lambda state: state.pop("hyperparameters"),
        lambda state: state.update(trial_id="../../elsewhere", start_order=["missing"]),
    ],
)
def test_a_state_of_other_hyperparameters_or_trials_is_refused(begun, tmp_path, name, change):
    folder = shutil.copytree(begun, tmp_path / "search")
    path = next(iter(sorted(folder.rglob(name))))
    state = json.loads(path.read_text())
    change(state)
    path.write_text(json.dumps(state))
    with pytest.raises(AscError, match=rf"{name}: cannot be read \("):
        tuner_of(folder, "hyperband", FakeTraining())


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"{}", b"\xff", b"[" * 100_000])
def test_a_worker_that_asks_whether_the_search_has_ended(tmp_path, content):
    assert not has_ended(tmp_path)
    (tmp_path / "trials").mkdir()
    (tmp_path / "trials" / "oracle.json").write_bytes(content)
    with pytest.raises(AscError, match="oracle.json: cannot be read"):
        has_ended(tmp_path)


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"": "wide"}', b'{"depth=1": 3}', b"\xff"])
def test_damaged_counts_of_structures(tmp_path, content):
    (tmp_path / "structures.json").write_bytes(content)
    with pytest.raises(AscError, match="structures.json: cannot be read .*; delete it"):
        structures_of(tmp_path, "width=4:8", "bytes=100KB")


def test_a_damaged_result_is_refused(tmp_path):
    path = tmp_path / "result.json"
    path.write_text(json.dumps(RESULT))
    assert read_result(path) == RESULT
    for wrong in ("", "[]", "{}", json.dumps({**RESULT, "accuracy": "50"}), json.dumps(RESULT)[:-30], "\ud800"):
        path.write_bytes(wrong.encode("utf-8", "surrogatepass"))
        with pytest.raises(AscError, match="result.json: cannot be read .*; delete it"):
            read_result(path)
