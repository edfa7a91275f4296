"""Small facts about processes and ports that the local programs share."""

import ctypes
import signal
import socket
import subprocess
import sys
import time
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).resolve().parents[2]
_PR_SET_PDEATHSIG = 1


class CannotRun(Exception):
    """Something on this machine is in the way; the text is one sentence for the person at the terminal."""


def version() -> str:
    project: dict[str, Any] = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return str(project["version"])


def die_with_parent(how: signal.Signals = signal.SIGTERM) -> None:
    """Ask the kernel for `how` when the parent dies, so that a killed supervisor leaves nothing behind.

    The setting survives exec but not fork, and a change of user clears it: call it last. Linux only; elsewhere the
    launcher's search for left-over processes is what remains.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, int(how), 0, 0, 0)


def free_port() -> int:
    """A TCP port of 127.0.0.1 that nobody listens on now, and that the system gives to nobody else for a while.

    A connection that its own port closed first is remembered for about a minute. Meanwhile the port is none of those
    that are handed out to who asks for any, and a server that is told it by name (SO_REUSEADDR, as usual) gets it.
    """
    with socket.socket() as listener, socket.socket() as caller:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", 0))
        listener.listen(1)
        port: int = listener.getsockname()[1]
        caller.connect(("127.0.0.1", port))
        listener.accept()[0].close()
        caller.recv(1)
        return port


def port_answers(port: int, host: str = "127.0.0.1") -> bool:
    try:
        with socket.create_connection((host, port), timeout=0.5):
            return True
    except OSError:
        return False


def start_server(arguments: Sequence[str], port: int, log: Path, limit_s: float = 120.0) -> subprocess.Popen[bytes]:
    """Run `python -m <arguments>` from the repository and return once its port answers.

    Raises `CannotRun` with the log's last lines when it ends first or does not answer within `limit_s`.
    """
    with log.open("ab") as output:
        child = subprocess.Popen(
            [sys.executable, "-m", *arguments],
            cwd=REPOSITORY,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
        )
    deadline = time.monotonic() + limit_s
    while not port_answers(port):
        if child.poll() is not None or time.monotonic() > deadline:
            child.kill()
            child.wait()
            raise CannotRun(f"{arguments[0]} did not start: {last_lines(log)}")
        time.sleep(0.02)
    return child


def stop_server(child: subprocess.Popen[bytes], how: signal.Signals, limit_s: float = 10.0) -> None:
    child.send_signal(how)
    try:
        child.wait(limit_s)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()


def last_lines(log: Path, count: int = 3) -> str:
    if not log.is_file():
        return "(no log)"
    lines = [line.strip() for line in log.read_text(errors="replace").splitlines() if line.strip()]
    return " / ".join(lines[-count:]) or "(empty log)"
