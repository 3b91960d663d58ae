"""A private network for processes of one machine: a loopback, with no way in or out.

TensorFlow's servers listen on every address of the machine, without authentication, whatever TF_CONFIG names; anyone
who reaches one can read and write files through it. Linux gives each network namespace its own interfaces.

`python -I -S private_network.py` makes one, prints "ready" and keeps it until its input ends. It is a separate program,
since a process with several threads may not leave its user namespace. It needs no other module of this package.
"""

import contextlib
import ctypes
import fcntl
import os
import socket
import struct
import subprocess
import sys

_NEW_USER, _NEW_NETWORK = 0x10000000, 0x40000000  # CLONE_NEWUSER, CLONE_NEWNET
_GET_FLAGS, _SET_FLAGS = 0x8913, 0x8914  # SIOCGIFFLAGS, SIOCSIFFLAGS
_UP, _LOOPBACK = 0x1, 0x8  # IFF_UP, IFF_LOOPBACK


def is_private():
    """Whether only a loopback is up in this process's network, as in a private network or without any network."""
    if sys.platform != "linux":
        return False
    return all(_flags(name) & _LOOPBACK or not _flags(name) & _UP for _, name in socket.if_nameindex())


@contextlib.contextmanager
def private_network():
    """File descriptors of a new private network's namespaces, for `worker_start`; none if this process's is private.

    Root makes a network namespace directly; any other user makes it in a user namespace that maps only this user.

    Raises:
        OSError: the system or its settings allow no namespace.
    """
    if is_private():
        yield ()
        return
    if sys.platform != "linux":
        raise OSError("network namespaces are Linux's")
    maker = subprocess.Popen(
        [sys.executable, "-I", "-S", __file__], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    with contextlib.ExitStack() as stack:
        with maker:
            if maker.stdout.readline() != b"ready\n":
                said = maker.stderr.read().decode(errors="replace").strip().splitlines()
                raise OSError(said[-1] if said else "the program that makes it ended")
            namespaces = [_opened(stack, maker.pid, kind) for kind in ("user", "net")]
        yield tuple(number for number in namespaces if number is not None)


def _opened(stack, process, kind):
    """Descriptor of a process's namespace, closed with the stack; None if this process is in the same namespace."""
    theirs, ours = f"/proc/{process}/ns/{kind}", f"/proc/self/ns/{kind}"
    if os.stat(theirs).st_ino == os.stat(ours).st_ino:
        return None
    number = os.open(theirs, os.O_RDONLY)
    stack.callback(os.close, number)
    return number


def _flags(interface, new=None):
    """The flags of a network interface, after adding the `new` ones, if any."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        request = fcntl.ioctl(any_socket, _GET_FLAGS, struct.pack("16sH14x", interface.encode(), 0))
        flags = struct.unpack("16sH14x", request)[1]
        if new is not None:
            fcntl.ioctl(any_socket, _SET_FLAGS, struct.pack("16sH14x", interface.encode(), flags | new))
    return flags


def _make():
    """Move this process into a private network."""
    user, group = os.geteuid(), os.getegid()
    try:
        _unshare(_NEW_NETWORK)
    except PermissionError:
        _unshare(_NEW_USER | _NEW_NETWORK)
        for name, text in (("setgroups", "deny"), ("uid_map", f"{user} {user} 1"), ("gid_map", f"{group} {group} 1")):
            with open(f"/proc/self/{name}", "w") as file:
                file.write(text)
    _flags("lo", new=_UP)


def _unshare(kinds):
    if ctypes.CDLL(None, use_errno=True).unshare(kinds):
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


if __name__ == "__main__":
    try:
        _make()
    except OSError as error:
        sys.exit(error.strerror or str(error))
    print("ready", flush=True)
    sys.stdin.read()
