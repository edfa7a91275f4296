"""supervisord with real processes: it starts them, tells their state, and leaves nothing behind."""

import asyncio
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import psutil
import pytest

from deploy.local import supervise
from deploy.local.instance import MARK
from deploy.local.process import CannotRun, free_port
from deploy.local.programs import Program
from deploy.local.run import Watch
from deploy.local.supervise import State, Supervisor, telling_line

SLEEP = (sys.executable, "-c", "import time; print('here', flush=True); time.sleep(600)")
DEAF = (
    sys.executable,
    "-c",
    "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('deaf', flush=True); time.sleep(600)",
)
BAD = (sys.executable, "-c", "raise SystemExit('thing: expected another thing')")


#: listens on a port, but not at once; and what is lost when nobody listens there yet
SLOW = "import socket, sys, time; time.sleep(0.7); s = socket.create_server(('127.0.0.1', int(sys.argv[1])))"
SLOW_SERVER = (sys.executable, "-c", f"{SLOW}; time.sleep(600)")
HASTY = "import socket, sys, time; socket.create_connection(('127.0.0.1', int(sys.argv[1]))); print('met', flush=True)"
HASTY_USER = (sys.executable, "-c", f"{HASTY}; time.sleep(600)")


@pytest.fixture
async def start(tmp_path: Path) -> AsyncIterator[Callable[..., Supervisor]]:
    running: list[Supervisor] = []

    def make(*programs: Program) -> Supervisor:
        runtime = tmp_path / "r"
        runtime.mkdir(exist_ok=True)
        environment = {**os.environ, MARK: str(tmp_path)}
        running.append(Supervisor(programs, runtime, tmp_path / "log", environment))
        return running[-1]

    yield make
    for supervisor in running:
        if supervisor.process.poll() is None:
            await supervisor.stop()


async def until(supervisor: Supervisor, good: Callable[[dict[str, State]], object]) -> dict[str, State]:
    async with asyncio.timeout(60):
        while True:
            states = await supervisor.states()
            if states and good(states):
                return states
            await asyncio.sleep(0.05)


async def test_programs_start_say_their_state_and_stop(start: Callable[..., Supervisor]) -> None:
    supervisor = start(Program("one", "storage", SLEEP, start_s=0), Program("two", "front", SLEEP, start_s=0))
    states = await until(supervisor, lambda states: all(state.state == "RUNNING" for state in states.values()))
    await until(supervisor, lambda _: supervisor.output("one").strip() == "here")
    pids = [state.pid for state in states.values()]
    await supervisor.stop()
    assert supervisor.process.returncode == 0
    assert not any(psutil.pid_exists(pid) for pid in pids)


async def test_a_program_starts_once_the_port_that_it_needs_answers(start: Callable[..., Supervisor]) -> None:
    port = free_port()
    supervisor = start(
        Program("server", "exchange", (*SLOW_SERVER, str(port)), start_s=0),
        Program("user", "services", (*HASTY_USER, str(port)), start_s=0, after_port=port),
    )
    await until(supervisor, lambda _: supervisor.output("user").strip() == "met")


async def test_a_killed_supervisor_leaves_nothing(start: Callable[..., Supervisor]) -> None:
    supervisor = start(Program("one", "storage", SLEEP, start_s=0))
    # it speaks once it is what it was started as: by then it has asked to be told of its parent's end
    states = await until(supervisor, lambda states: states["one"].pid and supervisor.output("one").strip() == "here")
    child = psutil.Process(states["one"].pid)
    supervisor.kill()
    await asyncio.to_thread(child.wait, 60)


async def test_a_program_that_ends_at_once_is_named_with_its_own_words(start: Callable[..., Supervisor]) -> None:
    supervisor = start(Program("bad", "services", BAD, retries=0))
    await until(supervisor, lambda states: states["bad"].state == "FATAL")
    assert supervisor.reason("bad") == "thing: expected another thing"


async def test_a_program_that_is_started_on_demand_runs_once(start: Callable[..., Supervisor]) -> None:
    once = Program(
        "once", "replay", (sys.executable, "-c", "print('report'); raise SystemExit(5)"), once=True, start_s=0
    )
    supervisor = start(once)
    assert (await until(supervisor, lambda states: "once" in states))["once"].state == "STOPPED"
    await supervisor.start(once)
    states = await until(supervisor, lambda states: states["once"].state == "EXITED")
    assert states["once"].exit_status == 5
    assert supervisor.output("once") == "report\n"


async def test_a_program_that_does_not_listen_is_ended_all_the_same(start: Callable[..., Supervisor]) -> None:
    supervisor = start(Program("deaf", "services", DEAF, start_s=0, stop_wait_s=1))
    states = await until(supervisor, lambda states: states["deaf"].pid and "deaf" in supervisor.output("deaf"))
    await supervisor.stop()
    assert not psutil.pid_exists(states["deaf"].pid)


async def test_a_crashed_program_is_started_again(start: Callable[..., Supervisor]) -> None:
    supervisor = start(Program("one", "services", SLEEP, start_s=0))
    first = (await until(supervisor, lambda states: states["one"].state == "RUNNING"))["one"].pid
    os.kill(first, signal.SIGKILL)
    await until(supervisor, lambda states: states["one"].state == "RUNNING" and states["one"].pid != first)


async def test_only_what_this_run_wrote_is_its_output(start: Callable[..., Supervisor], tmp_path: Path) -> None:
    (tmp_path / "log").mkdir()
    (tmp_path / "log" / "bad.log").write_text("FATAL: an old story\n")
    supervisor = start(Program("bad", "services", BAD, retries=0))
    await until(supervisor, lambda states: states["bad"].state == "FATAL")
    assert "old story" not in supervisor.output("bad")


def test_a_percent_sign_and_quotes_survive_the_configuration(tmp_path: Path) -> None:
    program = Program("odd", "services", ("echo", 'a "b" 100%', "c ; d"))
    text = supervise.configuration([program], tmp_path, tmp_path / "50%", "pw")
    assert '"a \\"b\\" 100%%" "c ; d"' in text
    assert f"{tmp_path}/50%%/odd.log" in text
    assert "[group:services]\nprograms=odd\npriority=300" in text


@pytest.mark.parametrize(
    ("output", "expected"),
    [
        ("a\nValueError: no\n", "ValueError: no"),
        ("FATAL:  could not open file\nLOG:  database system is shut down\n", "FATAL:  could not open file"),
        ("FATAL:  the database system is starting up\nlast\n", "last"),
        ("2026-11-21 05:16:48.497 UTC [7] FATAL:  incorrect checksum\n", "FATAL:  incorrect checksum"),
        ("18593:M 21 Nov 2026 05:16:54.960 # Bad file format\n", "Bad file format"),
        ("", ""),
    ],
)
def test_the_line_that_tells_most_is_chosen(output: str, expected: str) -> None:
    assert telling_line(output) == expected


async def test_a_server_whose_port_another_one_answers_on_ends_it_all(start: Callable[..., Supervisor]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as foreign:
        server = Program("redis", "storage", BAD, port=foreign.getsockname()[1])
        supervisor, watch = start(server), Watch([server])
        await until(supervisor, lambda _: "expected another thing" in supervisor.output("redis"))
        failed = {"redis": State("redis", "BACKOFF", 0, 1, 0)}
        assert watch.judge(failed, supervisor, "en") == []
        with pytest.raises(CannotRun, match="redis cannot start: thing: expected another thing"):
            watch.judge(failed, supervisor, "en")
