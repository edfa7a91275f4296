"""One launcher per data directory, and what a killed one left is found."""

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import pytest

from deploy.local import checks, instance
from deploy.local.process import CannotRun, free_port
from shared.config import Settings


@pytest.fixture(autouse=True)
def english(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UI_LANG", "en")


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(data_dir=str(tmp_path / "var"))


@pytest.fixture
def orphan(settings: Settings) -> Iterator["subprocess.Popen[bytes]"]:
    environment = {**os.environ, instance.MARK: str(settings.data_path)}
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"], env=environment)
    yield child
    child.kill()
    child.wait()


def test_the_data_of_other_modes_are_not_the_live_ones(settings: Settings) -> None:
    root = settings.data_path
    for name in ("redis/appendonly.aof", "postgres/base/1", "demo/redis/2", "replay/postgres/3", "postgres/demo/4"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(b"x" * 8192)
    demo = Settings(mode="demo", data_dir=settings.data_dir)
    block = instance.data_bytes(demo)
    assert block >= 8192
    assert instance.data_bytes(settings) == 3 * block


def test_the_lock_is_held_once(settings: Settings) -> None:
    with instance.take_lock(settings) or pytest.fail("the lock is free"):
        assert instance.take_lock(settings) is None
        assert instance.is_held(settings)
    assert not instance.is_held(settings)


def test_modes_run_beside_each_other(settings: Settings) -> None:
    demo = Settings(data_dir=settings.data_dir, mode="demo")
    with instance.take_lock(settings) or pytest.fail("the lock is free"):
        assert not instance.is_held(demo)


def test_a_left_over_process_is_named(settings: Settings, orphan: "subprocess.Popen[bytes]") -> None:
    with pytest.raises(CannotRun, match=rf"Left over from an earlier run: .*pid {orphan.pid}\). make stop ends it"):
        checks.left_overs(settings, patience_s=0.1)


def test_another_data_directorys_processes_are_not_ours(
    settings: Settings, orphan: "subprocess.Popen[bytes]", tmp_path: Path
) -> None:
    checks.left_overs(Settings(data_dir=str(tmp_path / "other")))
    assert orphan.poll() is None


def test_left_overs_are_ended(settings: Settings, orphan: "subprocess.Popen[bytes]") -> None:
    instance.end(instance.left_over(settings))
    orphan.wait(5)
    assert instance.left_over(settings) == []


def test_a_long_path_gets_a_short_place_for_its_socket(tmp_path: Path) -> None:
    place = instance.runtime_dir(Settings(data_dir=str(tmp_path / ("deep" * 30))))
    assert len(os.fsencode(place / instance.SOCKET)) <= instance.SOCKET_PATH_LIMIT
    place.rmdir()


def test_a_runtime_dir_that_is_too_long_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CannotRun, match=r"RUNTIME_DIR=.*expected a path of at most"):
        instance.runtime_dir(Settings(runtime_dir=str(tmp_path / ("deep" * 30))))


def test_a_place_of_somebody_else_is_refused(tmp_path: Path) -> None:
    open_to_all = tmp_path / "open"
    open_to_all.mkdir()
    open_to_all.chmod(0o777)
    with pytest.raises(CannotRun, match="belongs to somebody else"):
        instance.private_dir(open_to_all)


def test_the_record_is_read_back(tmp_path: Path) -> None:
    record = instance.Instance(
        pid=1, mode="demo", url="u", redis_url="r", database_url="d", venues=["a"], started_s=1.5, ready=True
    )
    instance.write_record(tmp_path, record)
    assert instance.read_record(tmp_path) == record
    instance.remove_record(tmp_path)
    assert instance.read_record(tmp_path) is None


def test_a_taken_port_is_told_with_who_has_it() -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(1)
        port = listener.getsockname()[1]
        with pytest.raises(CannotRun, match=rf"Port {port} is taken by .*pid {os.getpid()}\).*PORT=\d+"):
            checks.port("127.0.0.1", port)


def test_a_free_port_is_fine() -> None:
    checks.port("127.0.0.1", free_port())


def test_a_free_port_is_given_to_nobody_else_before_its_server_listens() -> None:
    number = free_port()
    with socket.socket() as other, pytest.raises(OSError, match="in use"):
        other.bind(("127.0.0.1", number))
    socket.create_server(("127.0.0.1", number)).close()


def test_a_port_that_a_launcher_chose_for_its_server_is_no_other_ones() -> None:
    first: list[IO[bytes]] = []
    usual = free_port()
    assert checks.server_port(usual, first) == usual
    assert checks.server_port(usual, []) != usual
    first[0].close()
    again: list[IO[bytes]] = []
    assert checks.server_port(usual, again) == usual
    again[0].close()


def test_a_server_port_that_somebody_listens_on_is_passed_over() -> None:
    locks: list[IO[bytes]] = []
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(1)
        taken = listener.getsockname()[1]
        assert checks.server_port(taken, locks) != taken
    assert locks == []


def test_a_host_that_is_not_ours_is_named() -> None:
    with pytest.raises(CannotRun, match=r"Cannot listen on HOST=192\.0\.2\.1"):
        checks.port("192.0.2.1", free_port())


def test_too_little_disk_to_start_is_told(tmp_path: Path) -> None:
    with pytest.raises(CannotRun, match="Too little disk: 5 MB free"):
        checks.disk(tmp_path, free=5_000_000)
    checks.disk(tmp_path)
