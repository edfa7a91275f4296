"""What is looked at before anything is started: the port, the disk, left-overs. Each failure is one sentence."""

import fcntl
import os
import shutil
import socket
import tempfile
from pathlib import Path
from typing import IO

import psutil

from deploy.local import instance, words
from deploy.local.process import CannotRun, free_port
from shared.config import Settings

#: Below this nothing is started: Postgres and the append-only file need room to come up at all.
LEAST_FREE_BYTES = 300_000_000


def disk(path: Path, free: int | None = None) -> None:
    room = shutil.disk_usage(path).free if free is None else free
    if room < LEAST_FREE_BYTES:
        values = {"free": words.size(room), "path": path, "need": words.size(LEAST_FREE_BYTES)}
        raise CannotRun(words.text("disk_run", **values))


def port(host: str, number: int) -> None:
    """Raises `CannotRun` naming who listens on host:number already, or why the host cannot be listened on."""
    try:
        family, kind, _, _, address = socket.getaddrinfo(host, number, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
            probe.listen(1)
    except OSError as error:
        who = listener_on(number)
        if who is None and not in_use(error):
            raise CannotRun(words.text("host_unusable", host=host, reason=error.strerror or error)) from error
        values = {"port": number, "who": who or words.text("unknown_process"), "other": next_free(number)}
        raise CannotRun(words.text("port_taken", **values)) from error


def in_use(error: OSError) -> bool:
    return error.errno is not None and error.errno in (48, 98)


def listener_on(number: int) -> str | None:
    """Name and pid of the process that listens on a TCP port, where the system lets us see it."""
    try:
        connections = psutil.net_connections("tcp")
    except psutil.Error:
        return None
    for connection in connections:
        if connection.status == psutil.CONN_LISTEN and connection.pid and number == port_of(connection.laddr):
            try:
                process = psutil.Process(connection.pid)
                if instance.MARK in process.environ():
                    return f"Parallax, {instance.name_of(process)}"
                return instance.name_of(process)
            except psutil.Error:
                return f"pid {connection.pid}"
    return None


def port_of(address: object) -> int | None:
    number = getattr(address, "port", None)
    return number if isinstance(number, int) else None


def next_free(number: int) -> int:
    """A port to propose: the nearest above that is free."""
    for candidate in range(number + 1, min(number + 50, 65536)):
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", candidate))
            except OSError:
                continue
            return candidate
    return free_port()


def left_overs(settings: Settings, patience_s: float = 8.0) -> None:
    """Raises `CannotRun` naming them; those of a launcher that was just killed get a moment to end by themselves."""
    found = instance.left_over(settings)
    if found:
        psutil.wait_procs(found, timeout=patience_s)
        found = instance.left_over(settings)
    if found:
        raise CannotRun(words.text("left_over", who=", ".join(instance.name_of(process) for process in found[:8])))


def server_port(preferred: int, locks: list[IO[bytes]]) -> int:
    """`preferred` where it is free, else any: and no other launcher takes it while what is added to `locks` is open.

    Between this look and the server's own there are seconds; a launcher that chose the same port meanwhile would use
    the other one's server.
    """
    lock = port_lock(preferred)
    if lock is not None and bindable(preferred):
        locks.append(lock)
        return preferred
    if lock is not None:
        lock.close()
    return free_port()


def port_lock(number: int) -> IO[bytes] | None:
    """The machine's lock for a port, held while it is open; None where somebody else has it."""
    path = Path(tempfile.gettempdir()) / f"parallax-port-{number}.lock"
    try:
        lock = os.fdopen(os.open(path, os.O_CREAT | os.O_RDWR | os.O_NOFOLLOW, 0o600), "r+b")
    except OSError:
        return None
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        lock.close()
        return None
    return lock


def bindable(number: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", number))
        except OSError:
            return False
    return True
