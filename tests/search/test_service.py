import json
import random
import socket
import sys
import time
from concurrent import futures
from pathlib import Path

import grpc
import pytest
from network import answers, outside_addresses
from processes import Fork
from search import search_process

from asc_tf.errors import AscError
from asc_tf.experiment.settings import Config
from asc_tf.search import service
from asc_tf.search.oracles import make_oracle
from asc_tf.search.service import Chief, serve
from asc_tf.search.space import Space
from asc_tf.search.tuner import RunTuner


def free_address():
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return f"127.0.0.1:{found.getsockname()[1]}"


class Group:
    """A chief and workers that are processes; what is killed is started again."""

    def __init__(self, folder, workers=2, lease=2):
        self.folder, self.address, self.lease = folder, free_address(), lease
        self.chief = self.start("chief")
        self.workers = [self.start("worker") for _ in range(workers)]

    def start(self, role):
        return Fork(search_process.main, self.folder, role, self.address, self.lease)

    def begun(self):
        """How often a training was begun, over all trials."""
        return sum(len(path.read_text().split()) for path in self.folder.glob("trials/*/begun"))

    def wait_for(self, trainings, seconds=120):
        end = time.monotonic() + seconds
        while self.begun() < trainings:
            assert time.monotonic() < end, f"{self.begun()} trainings begun, {trainings} expected"
            assert self.chief.runs(), self.chief.finish()
            time.sleep(0.02)

    def finish(self, seconds=120):
        for process in (self.chief, *self.workers):
            status, said = process.finish(seconds)
            assert status == 0, said

    def stop(self):
        for process in filter(Fork.runs, (self.chief, *self.workers)):
            process.kill()


@pytest.fixture
def group(tmp_path):
    group = Group(tmp_path)
    yield group
    group.stop()


def check_every_trial_once(folder, kills):
    state = json.loads((folder / "trials" / "oracle.json").read_text())
    trials = {path.parent.name: json.loads(path.read_text()) for path in folder.glob("trials/*/trial.json")}
    assert len(state["start_order"]) == len({*state["start_order"]})
    assert sorted(state["start_order"]) == sorted(state["end_order"])
    assert {*trials} == {f"trial_{name}" for name in state["start_order"]}
    assert {trial["status"] for trial in trials.values()} == {"COMPLETED"}
    assert sum("tuner/trial_id" not in trial["hyperparameters"]["values"] for trial in trials.values()) == 6
    begun = sum(len(path.read_text().split()) for path in folder.glob("trials/*/begun"))
    assert len(trials) <= begun <= len(trials) + kills


@pytest.mark.slow
def test_a_killed_workers_trial_is_run_by_another_and_a_killed_chief_goes_on(group):
    group.wait_for(trainings=2)
    group.workers.pop().kill()  # it is not started again
    group.wait_for(trainings=4)
    group.chief.kill()
    group.chief = group.start("chief")
    group.finish()
    check_every_trial_once(group.folder, kills=1)
    assert group.start("worker").finish(60) == (0, "the search has ended\n")


def test_an_address_in_use_is_refused(tmp_path):
    oracle = make_oracle("random", "accuracy", "max", 1, 1, Space("lambda", Config()), lambda values: True, 0)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        with pytest.raises(AscError, match=rf"--chief {address}: cannot be listened on; expected HOST:PORT"):
            serve(oracle, address, lambda line: None)


def test_the_chief_listens_on_the_host_that_it_is_given_alone():
    """Its service has no password either."""

    class Oracle:
        finished, tuner_ids, end_order, ongoing_trials, trials = False, set(), [], {}, {}

        def release(self, lost):
            """Nobody is lost."""

    oracle = Oracle()
    (outside, *_), address = outside_addresses(), free_address()
    port, lines, reached = int(address.rpartition(":")[2]), [], []

    def tried(line):
        lines.append(line)
        if line.startswith("waiting"):
            reached.append([answers(host, port) for host in ("127.0.0.1", outside)])
            oracle.finished = True

    serve(oracle, address, tried)
    assert reached == [[True, False]] and len(lines) == 1
    oracle.finished, open_to_all = False, f"{outside}:{port}"
    serve(oracle, open_to_all, tried)
    assert reached[1] == [False, True]
    assert lines[1] == (
        f"everyone who reaches {open_to_all} can take part in the search; expected a network that you trust"
    )


def test_a_worker_without_a_chief_says_so(tmp_path):
    address, lines = free_address(), []
    with pytest.raises(AscError, match=rf"--worker {address}: no chief answers there for 2 s"):
        Chief(address, tmp_path, lines.append, wait_seconds=2)
    assert lines == [f"waiting for the chief at {address}"]


def test_a_worker_whose_chief_has_ended_without_it_ends(tmp_path, monkeypatch):
    monkeypatch.setattr(service, "_PATIENCE_SECONDS", 0.5)
    address = free_address()
    server = grpc.server(futures.ThreadPoolExecutor(1))
    server.add_insecure_port(address)
    server.start()
    chief = Chief(address, tmp_path)
    server.stop(None).wait()
    oracle = make_oracle("random", "accuracy", "max", 1, 1, Space("lambda", Config()), lambda values: True, 0)
    tuner = RunTuner(oracle, tmp_path, None, chief)
    ended = {"stopped": True, "ongoing_trials": {}, "retry_queue": []}
    (tmp_path / "trials" / "oracle.json").write_text(json.dumps(ended))
    tuner.search()
    assert not oracle.trials


def main(kills, seed):
    """Kill chief and workers at random points; `python tests/search/test_service.py 30`."""
    import tempfile

    chance = random.Random(seed)
    done = 0
    while done < kills:
        with tempfile.TemporaryDirectory() as folder:
            group = Group(Path(folder))
            here = 0
            try:
                for _ in range(chance.randint(1, 4)):
                    group.wait_for(trainings=group.begun() + chance.randint(0, 1))
                    time.sleep(chance.random())
                    if not group.chief.runs():
                        break
                    number = chance.randint(0, len(group.workers))
                    if number == len(group.workers):
                        group.chief.kill()
                        group.chief = group.start("chief")
                    else:
                        group.workers[number].kill()
                        group.workers[number] = group.start("worker")
                    here += 1
                group.finish()
                check_every_trial_once(Path(folder), kills=here)
                done += here
                print(f"{done} kills, every trial exactly once", flush=True)
            finally:
                group.stop()


if __name__ == "__main__":
    main(int(sys.argv[1]), seed=0)
