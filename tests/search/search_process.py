"""A search with a training that only waits; run by tests as chief or as worker."""

import json
import time
from pathlib import Path

from asc_tf.quiet import silence_tensorflow

silence_tensorflow()

from asc_tf.experiment.settings import Config
from asc_tf.search import service
from asc_tf.search.oracles import make_oracle
from asc_tf.search.space import Space
from asc_tf.search.tuner import RunTuner

service.HEARTBEAT_SECONDS = 0.2


def train(values, folder, before):
    folder = Path(folder)
    kept = folder / "result.json"
    if not kept.is_file():
        with (folder / "begun").open("a") as file:
            file.write("once\n")
        time.sleep(0.3)
        kept.write_text(json.dumps({"accuracy": values["lambda"]}))
    return json.loads(kept.read_text())


def main(folder, role, address, lease):
    space = Space("lambda,width=4:40", Config())
    oracle = make_oracle("hyperband", "accuracy", "max", 6, 9, space, lambda values: True, seed=0)
    chief = service.Chief(address, folder) if role == "worker" else None
    tuner = RunTuner(oracle, folder, train, chief)
    if chief and not chief.gone:
        tuner.search()
    elif chief:
        print("the search has ended")
    else:
        service.serve(oracle, address, lambda line: print(line, flush=True), lease)
