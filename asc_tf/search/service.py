"""One oracle for several workers: KerasTuner's gRPC service, with a chief and workers that may be killed at any time.

KerasTuner's own chief waits forever for a killed worker, and its workers end with their chief.
"""

import contextlib
import json
import os
import socket
import threading
import time
from concurrent import futures

import grpc

from asc_tf.distributed.cluster import is_loopback
from asc_tf.errors import AscError
from asc_tf.internals.keras_tuner import OracleServicer, WorkerOracle, add_to_server, chief_stub
from asc_tf.search.oracles import has_ended

HEARTBEAT_SECONDS, LEASE_SECONDS = 5.0, 60.0
_PATIENCE_SECONDS = 10.0
_RETRIES = {
    "maxAttempts": 5,
    "initialBackoff": "0.5s",
    "maxBackoff": "5s",
    "backoffMultiplier": 2,
    "retryableStatusCodes": ["UNAVAILABLE"],
}
_SERVICE = {"methodConfig": [{"name": [{}], "retryPolicy": _RETRIES}]}


def serve(oracle, address, report=print, lease_seconds=LEASE_SECONDS):
    """Answer workers until no trial is left.

    A worker that is silent for `lease_seconds` loses its trial to the next worker that asks. The service has no
    password: it listens only on the host of `address`, and reports a host other than the loopback.

    Args:
        oracle: of `asc_tf.search.oracles`.
        address: HOST:PORT to listen on; use the loopback for workers of this machine.
        report: called with lines for the user.
        lease_seconds: at least several times HEARTBEAT_SECONDS.

    Raises:
        AscError: the service cannot listen on the address.
    """
    servicer = _Servicer(oracle)
    server = grpc.server(futures.ThreadPoolExecutor(max_workers=1), options=[("grpc.so_reuseport", 0)])
    add_to_server(servicer, server)
    try:
        bound = server.add_insecure_port(address)
    except (RuntimeError, ValueError):
        bound = 0
    if not bound:
        raise AscError(
            f"--chief {address}: cannot be listened on; expected HOST:PORT of this machine that is not in use"
        )
    server.start()
    if not is_loopback(address):
        report(f"everyone who reaches {address} can take part in the search; expected a network that you trust")
    report(f"waiting for workers at {address}: the same command, with --worker {address} in place of --chief")
    ended = len(oracle.end_order)
    while not (oracle.finished and not oracle.tuner_ids):
        time.sleep(min(0.2, lease_seconds / 4))
        lost = servicer.lost(lease_seconds)
        for name in sorted(lost):
            report(f"worker {name} is not heard of any more; its trial goes to another")
        oracle.release(lost)
        for trial in [oracle.trials[name] for name in oracle.end_order[ended:]]:
            score = "unknown" if trial.score is None else f"{trial.score:.4g}"
            report(f"trial {trial.trial_id}: {trial.status.lower()}, {oracle.objective.name} {score}")
        ended = len(oracle.end_order)
    server.stop(grace=2).wait()


class SearchEnded(Exception):
    """The search and its chief have ended while a worker was busy with a trial that others have finished."""


class _Servicer(OracleServicer):
    """KerasTuner's service, which also records the time of each worker's last message."""

    def __init__(self, oracle):
        super().__init__(oracle)
        self._heard = dict.fromkeys(oracle.tuner_ids, time.monotonic())

    def lost(self, seconds):
        """Workers that have been silent for this long."""
        oldest = time.monotonic() - seconds
        return {name for name in [*self.oracle.tuner_ids] if self._heard.get(name, oldest) <= oldest}

    def CreateTrial(self, request, context):
        self._heard[request.tuner_id] = time.monotonic()
        return super().CreateTrial(request, context)

    def GetTrial(self, request, context):
        for name, trial in [*self.oracle.ongoing_trials.items()]:
            if trial.trial_id == request.trial_id:
                self._heard[name] = time.monotonic()
        return super().GetTrial(request, context)


class Chief:
    """The chief, from a worker's side.

    Args:
        address: HOST:PORT of the chief.
        folder: folder of the search; if the search has ended, so has the chief, and `gone` is true.
        report: called with a line for the user if the chief does not answer at once.
        wait_seconds: for the chief's first answer; it may be looking for networks within the budget.

    Raises:
        AscError: no chief answers.
    """

    def __init__(self, address, folder, report=print, wait_seconds=600):
        self._folder, self.worker = folder, f"{socket.gethostname()}-{os.getpid()}"
        options = [("grpc.service_config", json.dumps(_SERVICE)), ("grpc.max_reconnect_backoff_ms", 1000)]
        self._channel = grpc.insecure_channel(address, options=options)
        self.gone = False
        ready, end = grpc.channel_ready_future(self._channel), time.monotonic() + wait_seconds
        waiting = False
        while not self.gone:
            with contextlib.suppress(grpc.FutureTimeoutError):
                ready.result(timeout=min(2, wait_seconds))
                return
            self.gone = has_ended(folder)
            if not waiting and not self.gone:
                report(f"waiting for the chief at {address}")
                waiting = True
            if not self.gone and time.monotonic() > end:
                raise AscError(f"--worker {address}: no chief answers there for {wait_seconds} s")

    def oracle_for(self, oracle):
        """A stand-in for `oracle` that asks the chief."""
        stub = _PatientStub(chief_stub(self._channel), self._folder)
        self._client = WorkerOracle(oracle, stub, self.worker)
        return self._client

    def pause(self):
        """Wait between two requests for a trial, since the chief may have none yet."""
        time.sleep(0.2)

    @contextlib.contextmanager
    def heartbeat(self, trial_id):
        """Report to the chief, as long as the block lasts, that the trial is in progress."""
        ended = threading.Event()

        def beat():
            while not ended.wait(HEARTBEAT_SECONDS):
                with contextlib.suppress(grpc.RpcError, AscError, SearchEnded):  # the chief may be away for a long time
                    self._client.get_trial(trial_id)

        thread = threading.Thread(target=beat, daemon=True)
        thread.start()
        try:
            yield
        finally:
            ended.set()


class _PatientStub:
    """Ask the chief until it answers, for at most an hour, or until the search has ended without this worker.

    Every request may be repeated: the oracle gives a worker its present trial again, and ends a trial only once.
    """

    def __init__(self, stub, folder):
        self._stub, self._folder = stub, folder

    def __getattr__(self, name):
        ask = getattr(self._stub, name)

        def answered(request, wait_for_ready, timeout):
            for _ in range(int(timeout // _PATIENCE_SECONDS)):
                try:
                    return ask(request, wait_for_ready=wait_for_ready, timeout=_PATIENCE_SECONDS)
                except grpc.RpcError as error:
                    if error.code() is not grpc.StatusCode.DEADLINE_EXCEEDED:
                        raise
                if has_ended(self._folder):
                    raise SearchEnded
            raise AscError("--worker: the chief has not answered for an hour; start it again, then this worker")

        return answered
