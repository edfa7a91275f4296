"""supervisord: its configuration made from programs, its start, and its state over the Unix socket."""

import asyncio
import os
import re
import resource
import secrets
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path
from typing import Any, cast
from xmlrpc.client import Error as RemoteError

from deploy.local.instance import SOCKET
from deploy.local.process import REPOSITORY
from deploy.local.programs import GROUPS, Program
from deploy.local.rpc import SupervisorRpc

LOG_BYTES = "10MB"
LOG_BACKUPS = 4
#: Stopping everything takes a second or two; the groups' own limits add up to less than this.
STOP_LIMIT_S = 60.0


@dataclass(frozen=True)
class State:
    """One program as supervisord sees it."""

    name: str
    state: str
    pid: int
    exit_status: int
    started_s: int


def configuration(programs: Sequence[Program], runtime: Path, logs: Path, password: str) -> str:
    """The text of supervisord.conf. `%` is doubled: supervisord expands it."""
    sections = [_server(runtime, logs, password)]
    for group in GROUPS:
        members = [program.name for program in programs if program.group == group]
        if members:
            sections.append(
                f"[group:{group}]\nprograms={','.join(members)}\npriority={(GROUPS.index(group) + 1) * 100}\n"
            )
    sections += [_program(program, logs) for program in programs]
    return "\n".join(sections)


def _server(runtime: Path, logs: Path, password: str) -> str:
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    files = 16_384 if hard == resource.RLIM_INFINITY else min(hard, 16_384)
    lines = [
        "[supervisord]",
        "nodaemon=true",
        "silent=true",
        "umask=077",
        f"minfds={files}",
        f"logfile={_escape(logs / 'supervisord.log')}",
        f"logfile_maxbytes={LOG_BYTES}",
        "logfile_backups=1",
        f"pidfile={_escape(runtime / 'supervisord.pid')}",
        f"identifier=parallax-{os.getpid()}",
        *(["user=root"] if os.getuid() == 0 else []),
        "",
        "[unix_http_server]",
        f"file={_escape(runtime / SOCKET)}",
        "chmod=0700",
        "username=parallax",
        f"password={password}",
        "",
        "[rpcinterface:supervisor]",
        "supervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface",
        "",
    ]
    return "\n".join(lines)


def _program(program: Program, logs: Path) -> str:
    line = (sys.executable, "-m", "deploy.local.child", program.stop_signal, str(program.after_port), *program.command)
    settings = {
        "command": " ".join(_quote(part) for part in line),
        "directory": _escape(REPOSITORY),
        "autostart": "false" if program.once else "true",
        "autorestart": "false" if program.once else "true",
        "startsecs": str(program.start_s),
        "startretries": "0" if program.once else str(program.retries),
        "stopsignal": program.stop_signal,
        "stopwaitsecs": str(program.stop_wait_s),
        "redirect_stderr": "true",
        "stdout_logfile": _escape(logs / f"{program.name}.log"),
        "stdout_logfile_maxbytes": LOG_BYTES,
        "stdout_logfile_backups": str(LOG_BACKUPS),
    }
    return f"[program:{program.name}]\n" + "".join(f"{name}={value}\n" for name, value in settings.items())


def _escape(value: object) -> str:
    return str(value).replace("%", "%%")


def _quote(part: str) -> str:
    """For supervisord's shell-like splitting of a command; `;` after a blank would begin a comment."""
    return '"' + _escape(part).replace("\\", "\\\\").replace('"', '\\"') + '"'


class Supervisor:
    """A running supervisord. It is in a session of its own, so that Ctrl-C reaches the launcher alone."""

    def __init__(self, programs: Sequence[Program], runtime: Path, logs: Path, environment: Mapping[str, str]) -> None:
        self.logs = logs
        password = secrets.token_hex(16)
        conf = runtime / "supervisord.conf"
        logs.mkdir(parents=True, exist_ok=True)
        conf.touch(mode=0o600)
        conf.write_text(configuration(programs, runtime, logs, password), encoding="utf-8")
        self._rpc = SupervisorRpc(runtime / SOCKET, "parallax", password)
        self._offsets = {program.name: _length(logs / f"{program.name}.log") for program in programs}
        line = (sys.executable, "-m", "deploy.local.child", "TERM", "0", sys.executable, "-m", "supervisor.supervisord")
        self._log = logs / "supervisord.out"
        with self._log.open("wb") as output:
            self.process = subprocess.Popen(
                [*line, "-n", "-c", str(conf)],
                cwd=REPOSITORY,
                env={**environment, "PYTHONUNBUFFERED": "1"},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )

    async def states(self) -> dict[str, State] | None:
        """Every program's state by name, or None where supervisord does not answer (yet, or any more)."""
        try:
            rows = cast(list[dict[str, Any]], await asyncio.to_thread(self._rpc.call, "getAllProcessInfo"))
        except (OSError, HTTPException, RemoteError):
            return None
        return {
            row["name"]: State(row["name"], row["statename"], row["pid"], row["exitstatus"], row["start"])
            for row in rows
        }

    async def start(self, program: Program) -> None:
        """Start one program that is not running; supervisord refuses where it is, and that is as good."""
        try:
            await asyncio.to_thread(self._rpc.call, "startProcess", f"{program.group}:{program.name}", False)
        except (OSError, HTTPException, RemoteError):
            return

    async def stop(self, limit_s: float = STOP_LIMIT_S) -> None:
        """Stop all programs in reverse order; after `limit_s` the kernel ends them with their supervisor."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            await asyncio.to_thread(self.process.wait, limit_s)
        except subprocess.TimeoutExpired:
            self.kill()

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    def log(self, name: str) -> Path:
        return self.logs / f"{name}.log"

    def output(self, name: str) -> str:
        """What a program has written since this supervisor started (its last 64 kB)."""
        path = self.log(name)
        size = _length(path)
        start = self._offsets.get(name, 0)
        try:
            with path.open("rb") as handle:
                handle.seek(max(start if start <= size else 0, size - 65_536))
                return handle.read().decode(errors="replace")
        except OSError:
            return ""

    def reason(self, name: str) -> str:
        """The one line of a program's output that says best why it ended."""
        return telling_line(self.output(name)) or "it ended without a word"


_NOISE = ("starting up", "shutting down", "in recovery mode", "database system is shut down", "WARNING")
_TELLING = ("FATAL", "PANIC", "Error", "error", "expected", "broken")


#: The servers' own stamps: time and process, in front of what they say.
_STAMP = re.compile(r"^(\d+-\d+-\d+ [\d:.]+ \w+ \[\d+\] |\d+:\w \d+ \w+ \d+ [\d:.]+ \S )")


def telling_line(output: str) -> str:
    lines = [_STAMP.sub("", line.strip()) for line in output.splitlines()[-60:] if line.strip()]
    quiet = [line for line in lines if not any(noise in line for noise in _NOISE)]
    telling = [line for line in quiet if any(mark in line for mark in _TELLING)]
    return (telling or quiet or [""])[-1][:300]


def _length(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0
