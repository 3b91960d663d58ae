import os
import subprocess
import sys

import pytest
from network import answers, outside_addresses

from asc_tf.distributed.launcher import start_of
from asc_tf.distributed.private_network import is_private, private_network

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux has network namespaces")

SERVER = """
import socket, sys
server = socket.create_server(("::", 0), family=socket.AF_INET6, dualstack_ipv6=True)  # as TensorFlow's servers listen
port = server.getsockname()[1]
for address in ("127.0.0.1", "::1"):
    socket.create_connection((address, port), timeout=5).close()
print(port, flush=True)
sys.stdin.read()
"""

WITHOUT_RIGHTS = """
import ctypes, os, subprocess, sys
from asc_tf.distributed.launcher import start_of
from asc_tf.distributed.private_network import private_network
if os.geteuid() == 0:  # what root starts from here on may not make a network namespace
    drop_from_bounding_set, system_administration = 24, 21
    assert ctypes.CDLL(None).prctl(drop_from_bounding_set, system_administration, 0, 0, 0) == 0
program = "import os; from asc_tf.distributed.private_network import is_private; print(os.geteuid(), is_private())"
with private_network() as namespaces:
    command = [*start_of([], namespaces), sys.executable, "-c", program]
    print(len(namespaces), subprocess.run(command, pass_fds=namespaces, capture_output=True, text=True).stdout.strip())
"""


def serving(namespaces):
    return subprocess.Popen(
        [*start_of([], namespaces), sys.executable, "-c", SERVER],
        pass_fds=namespaces, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    )  # fmt: skip


@pytest.fixture
def network():
    """Namespaces of a private network; skips the test where none can be made."""
    outside_addresses()
    try:
        with private_network() as namespaces:
            yield namespaces
    except OSError as error:
        pytest.skip(f"no network namespace can be made here ({error})")


def test_nothing_outside_reaches_a_server_that_listens_on_every_address(network):
    """The same server in this process's own network is reached by the machine's addresses."""
    reached = {}
    for where, namespaces in (("here", ()), ("private", network)):
        with serving(namespaces) as server:
            port = int(server.stdout.readline())
            reached[where] = [answers(address, port) for address in (*outside_addresses(), "127.0.0.1")]
            server.stdin.close()
        assert server.returncode == 0
    assert all(reached["here"]) and not any(reached["private"])


def test_this_machines_network_is_not_private(network):
    assert not is_private()


def test_a_user_without_rights_makes_one_as_well(network):
    """In a user namespace, in which the user keeps its name."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    done = subprocess.run([sys.executable, "-c", WITHOUT_RIGHTS], env=environment, capture_output=True, text=True)
    if "OSError" in done.stderr or "PermissionError" in done.stderr:
        pytest.skip(f"user namespaces are off here ({done.stderr.splitlines()[-1]})")
    assert done.stdout.split() == ["2", str(os.geteuid()), "True"], done.stderr
