"""What a program on another machine could reach of this one."""

import contextlib
import socket

import pytest

_ELSEWHERE = ((socket.AF_INET, "192.0.2.1"), (socket.AF_INET6, "2001:db8::1"))  # addresses of documentation


def outside_addresses():
    """Addresses of this machine that are not its loopback's; skips the test where there is none."""
    found = []
    for family, elsewhere in _ELSEWHERE:
        with socket.socket(family, socket.SOCK_DGRAM) as probe, contextlib.suppress(OSError):
            probe.connect((elsewhere, 9))  # of a datagram nothing is sent by this
            found.append(probe.getsockname()[0])
    found = [address for address in found if not address.startswith("127.") and address != "::1"]
    if not found:
        pytest.skip("this machine has no address but its loopback's")
    return found


def answers(address, port):
    """Whether something accepts a connection."""
    try:
        socket.create_connection((address, port), timeout=5).close()
    except OSError:
        return False
    return True
