"""The commands as a person types them: real processes, a data directory and ports of their own."""

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import psutil
import pytest

from deploy.local import instance, launch, postgres_server
from deploy.local.process import REPOSITORY, free_port
from shared.config import Settings

LIMIT_S = 300


class Machine:
    """One data directory and port, and the launcher's commands on them."""

    def __init__(self, home: Path) -> None:
        self.data = home / "var"
        self.port = free_port()
        inherited = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
        self.environment = {
            **inherited,
            "DATA_DIR": str(self.data),
            "PORT": str(self.port),
            "UI_LANG": "en",
            "REDIS_URL": "",
            "DATABASE_URL": "",
        }
        self.settings = Settings(data_dir=str(self.data), port=self.port)

    def __call__(self, command: str, given: Mapping[str, str] | None = None) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [sys.executable, "-m", "deploy.local.launch", command],
            cwd=REPOSITORY,
            env={**self.environment, **(given or {})},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=LIMIT_S,
            check=False,
        )

    def processes(self) -> list[psutil.Process]:
        return [
            process
            for mode in instance.MODES
            for process in instance.left_over(Settings(data_dir=str(self.data), mode=mode))
        ]


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[Machine]:
    made = Machine(tmp_path)
    yield made
    made("stop")


def sentence(done: "subprocess.CompletedProcess[str]", status: int) -> str:
    """What a command that ends at once said: exactly one line, and the exit status it should have."""
    assert done.returncode == status, done.stdout + done.stderr
    said = (done.stdout + done.stderr).strip()
    assert said.count("\n") == 0, said
    return said


def eventually(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + LIMIT_S
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.1)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"PORT": "abc"}, "PORT='abc': expected a whole number"),
        ({"VENUES": "nowhere"}, "VENUES='nowhere': expected names out of: "),
        ({"HOST": "0.0.0.0"}, "HOST='0.0.0.0': expected a loopback address, or AUTH=none beside it"),
        ({"RETENTION_DAYS": "0"}, "RETENTION_DAYS='0': expected a whole number, at least 1"),
        ({"OKX_WS_PUBLIC_URL": "ftp://x"}, "OKX_WS_PUBLIC_URL='ftp://x': expected a URL that begins with wss://"),
    ],
)
def test_a_wrong_setting_is_named_and_nothing_starts(machine: Machine, given: dict[str, str], expected: str) -> None:
    assert sentence(machine("run", given), 2).startswith(expected)
    assert machine.processes() == []


def test_a_taken_port_is_one_sentence_and_nothing_starts(machine: Machine) -> None:
    with socket.create_server(("127.0.0.1", machine.port)):
        said = sentence(machine("run"), 1)
    assert said.startswith(f"Port {machine.port} is taken by ")
    assert f"(pid {os.getpid()})" in said
    assert machine.processes() == []


def test_a_broken_database_is_one_sentence_and_nothing_starts(machine: Machine) -> None:
    (machine.data / "postgres" / "cluster").mkdir(parents=True)
    assert "is broken: its own files are missing" in sentence(machine("run"), 1)
    assert machine.processes() == []


def test_a_database_that_postgres_itself_refuses_is_told_in_its_words(machine: Machine) -> None:
    postgres_server.prepare(machine.data / "postgres")
    control = machine.data / "postgres" / "cluster" / "global" / "pg_control"
    control.write_bytes(b"nonsense" + control.read_bytes()[8:])
    done = machine("run")
    assert done.returncode == 1
    assert done.stderr.startswith("postgres cannot start: FATAL:")
    assert done.stderr.count("\n") == 1
    assert machine.processes() == []


def test_a_directory_that_cannot_be_written_is_named(machine: Machine) -> None:
    assert sentence(machine("run", {"DATA_DIR": "/proc/nowhere"}), 1).startswith("Cannot write to /proc/nowhere")


def test_logs_are_those_of_the_mode_that_runs(machine: Machine) -> None:
    demo = Settings(data_dir=str(machine.data), mode="demo")
    assert sentence(machine("logs"), 1).startswith("There are no logs in")
    held = instance.take_lock(demo)
    assert held is not None
    with held:
        assert [one.mode for one in launch.running(machine.settings)] == ["demo"]
        demo.log_path.mkdir()
        (demo.log_path / "api.log").write_text("it was said\n")
        follower = subprocess.Popen(
            [sys.executable, "-m", "deploy.local.launch", "logs"],
            cwd=REPOSITORY,
            env=machine.environment,
            stdout=subprocess.PIPE,
            text=True,
        )
        with follower:
            assert follower.stdout is not None
            assert follower.stdout.readline() == "it was said\n"
            follower.terminate()
    assert launch.running(machine.settings) == []


def test_a_replay_without_a_file_says_what_it_needs(machine: Machine) -> None:
    assert sentence(machine("replay", {"MODE": "replay"}), 1).startswith("make replay needs FILE")


def test_recording_an_unknown_exchange_is_refused(machine: Machine) -> None:
    assert sentence(machine("record", {"VENUE": "nowhere"}), 1).startswith("VENUE='nowhere': expected one of ")


def test_nothing_running_is_told_with_status_3(machine: Machine) -> None:
    assert sentence(machine("status"), 3) == "Not running."
    assert sentence(machine("stop"), 0) == "Not running."


@pytest.mark.skipif(shutil.which("make") is None, reason="NOT TESTED: there is no make here")
def test_through_make_the_commands_own_status_is_told_beside_makes(machine: Machine) -> None:
    line = ["make", "--no-print-directory", "-o", "python", "status", "SETUP=true"]
    done = subprocess.run(
        line, cwd=REPOSITORY, env=machine.environment, capture_output=True, text=True, timeout=LIMIT_S, check=False
    )
    assert (done.returncode, done.stdout) == (2, "Not running.\n")
    assert "Error 3" in done.stderr
    told = (REPOSITORY / "docs" / "operations.md").read_text()
    assert "`make` itself ends with 2" in told


def test_history_is_removed_only_when_that_is_said(machine: Machine) -> None:
    kept = machine.data / "recordings" / "one.jsonl"
    for path in (machine.data / "redis" / "aof", machine.data / "demo" / "postgres" / "x", kept):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"1" * 10_000)
    assert "asks first" in sentence(machine("reset"), 1)
    assert (machine.data / "redis" / "aof").exists()
    assert sentence(machine("reset", {"YES": "1"}), 0).startswith("Removed ")
    assert [path for path in machine.data.rglob("*") if path.is_file()] == [kept]
    assert sentence(machine("reset"), 0).startswith("There is no history")


def test_the_demo_lives_a_whole_life(machine: Machine) -> None:
    demo = {"MODE": "demo"}
    began = time.monotonic()
    started = machine("start", demo)
    assert started.returncode == 0, started.stdout + started.stderr
    assert "DEMO · simulated prices, not a market / 模拟行情，非真实市场 · " in started.stdout
    # it returns when all is ready, or on a very slow machine once it has waited for long, and says how far it is
    late = time.monotonic() - began >= launch.START_LIMIT_S
    assert re.search(r" · (ready in \d+ s|up \d:\d\d:\d\d)\n", started.stdout) or late, started.stdout
    runtime = instance.runtime_dir(Settings(data_dir=str(machine.data), mode="demo"))
    eventually(lambda: (record := instance.read_record(runtime)) is not None and record.ready)
    assert sentence(machine("run", demo), 0) == f"already running: http://127.0.0.1:{machine.port}"
    assert "Parallax, services.api" in sentence(machine("run"), 1), "another mode on the same port"
    assert machine("status").returncode == 0
    assert "running: make stop first" in sentence(machine("reset", {"YES": "1"}), 1)
    assert sentence(machine("stop"), 0) == "Stopped demo."
    assert machine.processes() == []
    assert (machine.data / "demo" / "postgres" / "cluster" / "PG_VERSION").is_file()
    assert not (machine.data / "postgres").exists(), "the demo's data is apart"


def test_a_killed_launcher_leaves_nothing_that_the_next_one_trips_over(machine: Machine) -> None:
    # every kind of process, and two of the collectors: it is started twice
    demo = {"MODE": "demo", "VENUES": "hyperliquid,lighter"}
    assert machine("start", demo).returncode == 0
    record = json.loads(
        (instance.runtime_dir(Settings(data_dir=str(machine.data), mode="demo")) / "instance.json").read_text()
    )
    os.kill(record["pid"], signal.SIGKILL)
    eventually(lambda: machine.processes() == [])
    assert machine("start", demo).returncode == 0
    assert sentence(machine("stop"), 0) == "Stopped demo."


def test_a_stray_process_is_named_and_stop_ends_it(machine: Machine) -> None:
    (machine.data).mkdir(parents=True)
    environment = {**machine.environment, instance.MARK: str(machine.settings.data_path)}
    # An orphan, as a killed launcher would leave it: the shell between ends at once.
    line = f"{sys.executable} -c 'import time; time.sleep(600)' >/dev/null 2>&1 & echo $!"
    made = subprocess.run(["sh", "-c", line], env=environment, capture_output=True, text=True, check=True)
    stray = psutil.Process(int(made.stdout))
    try:
        assert f"pid {stray.pid}" in sentence(machine("run"), 1)
        assert f"pid {stray.pid}" in sentence(machine("stop"), 0)
        assert not stray.is_running()
    finally:
        instance.end([stray], limit_s=1)


@pytest.mark.skipif(shutil.which("make") is None, reason="NOT TESTED: there is no make here")
def test_make_help_lists_every_target() -> None:
    done = subprocess.run(
        ["make", "--no-print-directory", "help"], cwd=REPOSITORY, capture_output=True, text=True, check=True
    )
    listed = {line.split()[1] for line in done.stdout.splitlines()}
    phony = next(line for line in (REPOSITORY / "Makefile").read_text().splitlines() if line.startswith(".PHONY"))
    assert listed == set(phony.split()[1:]) - {"python"}
