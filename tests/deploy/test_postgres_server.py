"""The embedded Postgres: made once, found again, and each way of being broken said in one sentence."""

import asyncio
import os
import signal
import stat
import subprocess
import sys
from pathlib import Path

import asyncpg
import psutil
import pytest

from deploy.local import postgres_server
from deploy.local.process import REPOSITORY, CannotRun, free_port, start_server, stop_server


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Path:
    data = tmp_path_factory.mktemp("pg") / "postgres"
    postgres_server.prepare(data)
    return data


def serve(data: Path, port: int, log: Path) -> "subprocess.Popen[bytes]":
    return start_server(["deploy.local.postgres_server", "--data", str(data), "--port", str(port)], port, log)


def test_a_second_prepare_keeps_what_is_there(cluster: Path) -> None:
    before = (cluster / "password").read_text(), (cluster / "cluster" / "global" / "pg_control").read_bytes()
    postgres_server.prepare(cluster)
    assert ((cluster / "password").read_text(), (cluster / "cluster" / "global" / "pg_control").read_bytes()) == before


def test_the_password_is_for_us_alone(cluster: Path) -> None:
    assert stat.S_IMODE((cluster / "password").stat().st_mode) == 0o600
    assert (cluster / "password").stat().st_uid == os.getuid()


async def test_what_was_written_is_there_after_a_kill(cluster: Path, tmp_path: Path) -> None:
    port = free_port()
    url = postgres_server.url(cluster, port, "postgres")
    server = serve(cluster, port, tmp_path / "log")
    connection = await connect(url)
    await connection.execute("CREATE TABLE kept (n int); INSERT INTO kept VALUES (7)")
    backends = psutil.Process(server.pid).children()
    server.kill()
    server.wait()
    psutil.wait_procs(backends, timeout=60)  # while one lives, its memory is in use and no other server starts
    connection.terminate()
    server = serve(cluster, port, tmp_path / "log")
    connection = await connect(url)
    assert await connection.fetchval("SELECT n FROM kept") == 7
    await connection.execute("DROP TABLE kept")
    await connection.close()
    stop_server(server, signal.SIGINT)
    assert server.returncode == 0


async def connect(url: str) -> "asyncpg.Connection[asyncpg.Record]":
    async with asyncio.timeout(60):
        while True:
            try:
                return await asyncpg.connect(url)
            except (asyncpg.CannotConnectNowError, ConnectionError):
                await asyncio.sleep(0.02)


async def test_without_the_password_nobody_gets_in(postgres_server_url: str) -> None:
    address = postgres_server_url.rpartition("@")[2]
    with pytest.raises(asyncpg.InvalidPasswordError):
        await asyncpg.connect(f"postgresql://parallax:wrong@{address}")


def test_a_cluster_of_another_major_version_is_named(tmp_path: Path) -> None:
    cluster = tmp_path / "cluster"
    (cluster / "global").mkdir(parents=True)
    (cluster / "global" / "pg_control").touch()
    (cluster / "PG_VERSION").write_text("12\n")
    with pytest.raises(CannotRun, match=r"was made by Postgres 12 and this is Postgres \d+: go back"):
        postgres_server.prepare(tmp_path)


@pytest.mark.parametrize("content", ["", "garbage\n", "18\n"])
def test_a_cluster_without_its_files_is_broken(tmp_path: Path, content: str) -> None:
    (tmp_path / "cluster").mkdir()
    (tmp_path / "cluster" / "PG_VERSION").write_text(content)
    with pytest.raises(CannotRun, match="is broken: its own files are missing"):
        postgres_server.prepare(tmp_path)


def test_a_lost_password_is_a_broken_database(cluster: Path, tmp_path: Path) -> None:
    with pytest.raises(CannotRun, match="password file cannot be read"):
        postgres_server.url(tmp_path, 1)


def test_an_interrupted_first_start_leaves_nothing_half_made(tmp_path: Path) -> None:
    (tmp_path / "cluster.new").mkdir()
    (tmp_path / "cluster.new" / "half").touch()
    postgres_server.prepare(tmp_path)
    assert not (tmp_path / "cluster.new").exists()
    assert (tmp_path / "cluster" / "PG_VERSION").is_file()


def test_a_broken_cluster_is_one_sentence_and_status_1(tmp_path: Path) -> None:
    (tmp_path / "cluster").mkdir()
    line = [sys.executable, "-m", "deploy.local.postgres_server", "--data", str(tmp_path), "--port", "1"]
    done = subprocess.run(line, cwd=REPOSITORY, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert done.stderr.startswith("postgres: the database in ")
