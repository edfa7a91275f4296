"""What is compared, and how each is started: interpreters of their own for the peers, made once under `var/bench`."""

import os
import shutil
import subprocess
import sys
import venv
from collections.abc import Callable, Sequence

import msgspec

from bench import measure
from deploy.local.process import REPOSITORY

HOME = REPOSITORY / "var" / "bench"
CLIENTS = REPOSITORY / "bench" / "clients"


class Load(msgspec.Struct, frozen=True):
    """Where the exchange and Redis are, and what is subscribed: native names of the coins and of the topics."""

    gateway: str
    redis_port: int
    coins: tuple[str, ...]
    quote_topics: tuple[str, ...]
    trade_topics: tuple[str, ...]

    @property
    def socket(self) -> str:
        return self.gateway.replace("http://", "ws://") + "/fstream.binance.com"

    @property
    def rest(self) -> str:
        return self.gateway + "/fapi.binance.com"


class Peer(msgspec.Struct, frozen=True):
    """`command(load)` is its command line; `read` finds in Redis what it wrote. `frames` suits its speed."""

    name: str
    command: Callable[[Load], Sequence[str]]
    read: Callable[..., measure.Arrived]
    frames: int


def environment(name: str, requirements: Sequence[str], python: str) -> str | None:
    """An interpreter with these packages; None where it cannot be made (the reason is printed)."""
    home = HOME / name
    interpreter = home / "bin" / "python"
    if (home / "ready").exists():
        return str(interpreter)
    shutil.rmtree(home, ignore_errors=True)
    home.parent.mkdir(parents=True, exist_ok=True)
    if python == sys.executable:
        venv.create(home, with_pip=True)
    elif subprocess.run([python, "-m", "venv", str(home)], capture_output=True).returncode != 0:
        print(f"  {name}: no {python} here, left out")
        return None
    done = subprocess.run([interpreter, "-m", "pip", "-q", "install", *requirements], capture_output=True, text=True)
    if done.returncode != 0:
        print(f"  {name}: cannot be installed, left out: {done.stderr.strip().splitlines()[-1:]}")
        return None
    (home / "ready").touch()
    return str(interpreter)


def newer_python() -> str | None:
    """A Python 3.13 or later, which cryptofeed 3 asks for: PEER_PYTHON, else one on PATH."""
    for name in (os.environ.get("PEER_PYTHON", ""), "python3.14", "python3.13"):
        path = shutil.which(name) if name else None
        if path and subprocess.run([path, "-c", ""], capture_output=True).returncode == 0:
            return path
    return None


def script(interpreter: str, name: str) -> Callable[[Load], list[str]]:
    return lambda load: [
        interpreter,
        str(CLIENTS / name),
        load.socket,
        load.rest,
        str(load.redis_port),
        ",".join(load.coins),
    ]


def _ours(load: Load) -> list[str]:
    return [sys.executable, "-m", "services.collector", "run", "--venue", "binance"]


def _ceiling(load: Load) -> list[str]:
    lanes = (("public", load.quote_topics), ("market", load.trade_topics))
    urls = [f"{load.socket}/{route}/stream={','.join(topics)}" for route, topics in lanes]
    return [sys.executable, "-m", "bench.clients.ceiling", str(load.redis_port), *urls]


def peers(wanted: Sequence[str]) -> list[Peer]:
    """Parallax, the ceiling, and those of the others that were asked for and can be had here."""
    found = [
        Peer("parallax", _ours, measure.ours, 1_000_000),
        Peer("ceiling", _ceiling, measure.bare, 1_000_000),
    ]
    newer = newer_python()
    # 2.4.1 asks for the loop of a thread that has none yet, which later uvloops refuse
    feed, here = "cryptofeed_client.py", sys.executable
    offers = (
        ("cryptofeed-2.4.1", ["cryptofeed==2.4.1", "redis", "uvloop==0.21.0"], here, feed, 150_000),
        ("cryptofeed-3.0.1", ["cryptofeed==3.0.1", "redis", "uvloop"], newer, feed, 150_000),
        ("ccxt.pro", ["ccxt", "redis"], here, "ccxt_client.py", 40_000),
    )
    readers = {"ccxt.pro": measure.conflating}
    for name, requirements, python, client, frames in offers:
        if name not in wanted:
            continue
        if python is None:
            print(f"  {name}: needs Python 3.13 or later, left out")
        elif interpreter := environment(name, requirements, python):
            found.append(Peer(name, script(interpreter, client), readers.get(name, measure.single), frames))
    return found
