"""The workers of a training on several machines, from the environment variable TF_CONFIG."""

import ipaddress
import json
import os
from dataclasses import dataclass

from asc_tf.errors import AscError

_EXAMPLE = (
    '{"cluster": {"worker": ["one:2345", "two:2345"]}, "task": {"type": "worker", "index": 0}}, '
    "with the same cluster for every worker and an index of its own"
)


@dataclass(frozen=True)
class Cluster:
    """All workers, and this process's place among them. Worker 0 is the chief, which writes the run folder."""

    workers: tuple[str, ...]
    """addresses, host:port"""
    index: int

    def is_local(self):
        """Whether all workers have loopback addresses, which no other machine can mean."""
        return all(is_loopback(address) for address in self.workers)

    def to_json(self):
        """The value of TF_CONFIG."""
        cluster = {"worker": list(self.workers)}
        return json.dumps({"cluster": cluster, "task": {"type": "worker", "index": self.index}})


def read_cluster(environment=os.environ):
    """The `Cluster` that TF_CONFIG describes.

    A task of the type "chief" counts as the worker before the first.

    Raises:
        AscError: TF_CONFIG is missing, is not JSON, or describes no group of workers.
    """
    text = environment.get("TF_CONFIG")
    if not text:
        raise AscError(f"TF_CONFIG is not set; expected {_EXAMPLE}; 'asc-tf launch' sets it on one machine")
    try:
        config = json.loads(text)
        cluster, task = config["cluster"], config["task"]
        kinds = [kind for kind in ("chief", "worker") if kind in cluster]
        workers = tuple(address for kind in kinds for address in cluster[kind])
        index = int(task["index"]) + (len(cluster.get("chief", ())) if task["type"] == "worker" else 0)
        known = 0 <= int(task["index"]) < len(cluster[task["type"]])
        proper = all(is_address(address) for address in workers) and len(set(workers)) == len(workers)
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise AscError(f"TF_CONFIG is {text[:200]}; expected {_EXAMPLE}") from error
    if not (known and proper) or set(cluster) - {"chief", "worker"}:
        raise AscError(f"TF_CONFIG is {text[:200]}; expected {_EXAMPLE}")
    return Cluster(workers, index)


def is_address(address):
    """Whether a text is HOST:PORT."""
    host, colon, port = address.rpartition(":")
    return bool(host and colon) and port.isdecimal() and 0 < int(port) < 65536


def is_loopback(address):
    """Whether the host of HOST:PORT is "localhost" or a loopback address."""
    host = address.rpartition(":")[0].strip("[]")
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:  # a host name
        return False
