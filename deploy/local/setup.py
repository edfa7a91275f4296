"""Set-up with nothing but a Python 3.11: `python3 -m deploy.local.setup [runtime|dev|clean]`.

Standard library only. It makes `.venv`, installs the locked packages (every file's hash is checked) with uv, or with
pip where there is no uv for this machine, and leaves a stamp, so that the next time takes no time. The package index is
the machine's own: what pip is configured with is passed on to uv.

Exit statuses: 0 done, 1 cannot, 3 no package index, 4 too little disk.
"""

import ast
import fcntl
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import urlsplit

from deploy.local import words

REPOSITORY = Path(__file__).resolve().parents[2]
VENV = REPOSITORY / ".venv"
PYTHON = VENV / "bin" / "python"
STAMP = VENV / "parallax-setup.json"
LOCKS = {"runtime": "requirements.lock", "dev": "requirements-dev.lock"}
NEEDED_BYTES = {"runtime": 700_000_000, "dev": 1_200_000_000}
NO_INDEX, NO_DISK = 3, 4
#: What pip prints when it is the network that is missing, not a package; and when nothing was found anywhere.
_UNREACHABLE = ("Retrying (", "Could not fetch URL")
_NOTHING_FOUND = (*_UNREACHABLE, "No matching distribution")
_CACHES = ("__pycache__", ".mypy_cache", ".ruff_cache", ".pytest_cache", ".hypothesis")


class SetupFailed(Exception):
    """One sentence for the person, and the exit status."""

    def __init__(self, sentence: str, status: int = 1) -> None:
        super().__init__(sentence)
        self.status = status


def wanted(kind: str) -> str:
    """What must be the same for an environment to be kept: the contents of the locks."""
    digest = hashlib.sha256()
    for name in ("requirements-setup.lock", LOCKS[kind]):
        digest.update((REPOSITORY / name).read_bytes())
    return digest.hexdigest()


def read_stamp() -> dict[str, str]:
    try:
        stamp = json.loads(STAMP.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return stamp if isinstance(stamp, dict) and PYTHON.exists() else {}


def check_disk(kind: str, free: int) -> None:
    need = NEEDED_BYTES[kind]
    if free < need:
        values = {"free": words.size(free), "path": REPOSITORY, "need": words.size(need)}
        raise SetupFailed(words.text("disk_setup", **values), NO_DISK)


def make_environment() -> None:
    """A `.venv` with a working pip; one that an interrupted set-up left is made anew."""
    works = PYTHON.exists() and run([str(PYTHON), "-m", "pip", "--version"]).returncode == 0
    if works:
        return
    if find_spec("ensurepip") is None:
        raise SetupFailed(words.text("no_pip", version=f"{sys.version_info[0]}.{sys.version_info[1]}"))
    done = run([sys.executable, "-m", "venv", "--clear", str(VENV)])
    if done.returncode != 0:
        raise SetupFailed(words.text("install_failed", reason=reason(done)))


def pip_settings(listing: str) -> dict[str, str]:
    """Option -> value out of `pip config list`; the environment beats [install], which beats [global]."""
    ranks = {":env:": 2, "install": 1, "global": 0}
    found: dict[str, tuple[int, str]] = {}
    for line in listing.splitlines():
        name, equals, value = line.partition("=")
        section, _, option = name.strip().rpartition(".")
        if not equals or section not in ranks:
            continue
        try:
            text = str(ast.literal_eval(value.strip()))
        except (ValueError, SyntaxError):
            text = value.strip()
        if ranks[section] >= found.get(option, (-1, ""))[0]:
            found[option] = (ranks[section], text)
    return {option: text for option, (_, text) in found.items()}


def uv_environment(pip: Mapping[str, str], environment: Mapping[str, str]) -> dict[str, str]:
    """The environment that makes uv use the index, mirrors and certificates that pip is configured with."""
    ours = {
        "UV_PYTHON_DOWNLOADS": "never",
        "UV_NO_CONFIG": "1",
        "UV_NO_PROGRESS": "1",
        # Safe with hashes: the lock says which file is meant, whichever index has it.
        "UV_INDEX_STRATEGY": "unsafe-best-match",
    }
    names = {"index-url": "UV_DEFAULT_INDEX", "cert": "SSL_CERT_FILE", "proxy": "HTTPS_PROXY"}
    for option, name in names.items():
        if pip.get(option):
            ours[name] = pip[option]
    lists = {
        "extra-index-url": ("UV_INDEX", " "),
        "find-links": ("UV_FIND_LINKS", ","),
        "trusted-host": ("UV_INSECURE_HOST", " "),
    }
    for option, (name, separator) in lists.items():
        if pip.get(option):
            ours[name] = separator.join(pip[option].split())
    if pip.get("no-index", "").lower() in ("1", "true", "yes", "on"):
        ours["UV_NO_INDEX"] = "1"
    return {**ours, **environment, "UV_PYTHON_DOWNLOADS": "never"}


def pip_environment(environment: Mapping[str, str]) -> dict[str, str]:
    """pip alone cannot use SOCKS proxies (uv can): it tries without."""
    return {
        name: value
        for name, value in environment.items()
        if not (name.lower().endswith("_proxy") and value.lower().startswith("socks"))
    }


def install(kind: str) -> None:
    lock = LOCKS[kind]
    print(words.text("packages", lock=lock), flush=True)
    pip = [str(PYTHON), "-m", "pip", "--disable-pip-version-check"]
    quiet = ["install", "--retries", "1", "--timeout", "15", "--require-hashes", "-r"]
    plain = pip_environment(os.environ)
    got_uv = run([*pip, *quiet, str(REPOSITORY / "requirements-setup.lock")], plain)
    if got_uv.returncode != 0 and any(mark in got_uv.stderr for mark in _UNREACHABLE):
        raise SetupFailed(words.text("no_index", reason=reason(got_uv)), NO_INDEX)
    if got_uv.returncode == 0:
        settings = pip_settings(run([*pip, "config", "list"]).stdout)
        sync = [str(VENV / "bin" / "uv"), "pip", "sync", "--quiet", "--require-hashes", "--python", str(PYTHON)]
        if run([*sync, str(REPOSITORY / lock)], uv_environment(settings, os.environ)).returncode == 0:
            return
    done = run([*pip, *quiet, str(REPOSITORY / lock)], plain)
    if done.returncode != 0:
        gone = any(mark in done.stderr for mark in _NOTHING_FOUND)
        words_of = words.text("no_index" if gone else "install_failed", reason=reason(done))
        raise SetupFailed(words_of, NO_INDEX if gone else 1)


def run(line: list[str], environment: Mapping[str, str] | None = None) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(line, capture_output=True, text=True, env=environment, stdin=subprocess.DEVNULL, check=False)


def reason(done: "subprocess.CompletedProcess[str]") -> str:
    """Why pip could not reach its index, else the last error line of a failed command without its decoration."""
    broken = re.search(r"\[Errno -?\d+\] ([\w ]+)|(timed out)|(CERTIFICATE_VERIFY_FAILED)", done.stderr)
    if broken and any(mark in done.stderr for mark in _UNREACHABLE):
        index = re.search(r"Looking in indexes: (\S+?),?\s", done.stdout)
        host = urlsplit(index[1]).hostname if index else None
        return f"{host or 'its address'}: {next(filter(None, broken.groups()))}"
    lines = [line.strip() for line in (done.stderr or done.stdout).splitlines() if line.strip()]
    errors = [line for line in lines if line.startswith("ERROR:")] or lines
    return errors[-1].removeprefix("ERROR: ").rstrip(".")[:300] if errors else f"exit status {done.returncode}"


@contextmanager
def alone() -> Iterator[None]:
    """One set-up of this checkout at a time; a second one waits and then finds the work done."""
    handle = os.open(REPOSITORY, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def set_up(kind: str) -> None:
    if read_stamp().get(kind) == wanted(kind):
        return
    with alone():
        stamp = read_stamp()
        if stamp.get(kind) == wanted(kind):
            return
        # What an earlier `make test` installed stays: the development lock holds the other one.
        whole = "dev" if "dev" in stamp else kind
        started = time.monotonic()
        check_disk(whole, shutil.disk_usage(REPOSITORY).free)
        print(words.text("setting_up"), flush=True)
        make_environment()
        install(whole)
        kinds = ("runtime", "dev") if whole == "dev" else ("runtime",)
        STAMP.write_text(json.dumps({name: wanted(name) for name in kinds}), encoding="utf-8")
        print(words.text("set_up", seconds=time.monotonic() - started), flush=True)


def clean() -> None:
    """Caches and builds; never anything under the data directory."""
    doomed = [path for path in REPOSITORY.iterdir() if path.name in _CACHES]
    for part in ("shared", "services", "deploy", "bench", "tests", "examples"):
        doomed += (REPOSITORY / part).rglob("__pycache__")
    if is_running():
        print(words.text("kept_venv"))
    else:
        doomed.append(VENV)
    freed = sum(tree_size(path) for path in doomed)
    for path in doomed:
        shutil.rmtree(path, ignore_errors=True)
    print(words.text("cleaned", size=words.size(freed)))


def is_running() -> bool:
    """Whether any launcher of this checkout holds its lock (`deploy.local.instance`)."""
    data = Path(os.environ.get("DATA_DIR") or REPOSITORY / "var")
    for lock in (*data.glob("launcher.lock"), *data.glob("*/launcher.lock")):
        with lock.open("rb") as handle:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                return True
    return False


def tree_size(path: Path, without: Collection[str] = ()) -> int:
    """Bytes on disk under `path` but its folders named in `without`; files that vanish meanwhile count nothing."""
    total = 0
    for folder, folders, files in os.walk(path, onerror=None):
        if Path(folder) == path:
            folders[:] = [name for name in folders if name not in without]
        for name in files:
            try:
                total += os.lstat(os.path.join(folder, name)).st_blocks * 512
            except OSError:
                continue
    return total


def main(arguments: list[str]) -> int:
    kind = arguments[0] if arguments else "runtime"
    try:
        if kind == "clean":
            clean()
        else:
            set_up(kind)
    except SetupFailed as error:
        print(error, file=sys.stderr)
        return error.status
    except KeyboardInterrupt:
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
