"""Which program this is: its version, and the commit where it runs from a checkout."""

import os
import tomllib
from functools import cache
from pathlib import Path

_ROOT = Path(__file__).resolve().parents[2]


@cache
def version() -> str:
    project = _ROOT / "pyproject.toml"
    if not project.is_file():
        return "0"
    return str(tomllib.loads(project.read_text(encoding="utf-8"))["project"]["version"])


@cache
def commit() -> str | None:
    """The checkout's commit, or what the image was built with (COMMIT); None where neither is known."""
    head = _ROOT / ".git" / "HEAD"
    if not head.is_file():
        return os.environ.get("COMMIT") or None
    text = head.read_text(encoding="utf-8").strip()
    if not text.startswith("ref: "):
        return text
    name = text.removeprefix("ref: ")
    loose, packed = _ROOT / ".git" / name, _ROOT / ".git" / "packed-refs"
    if loose.is_file():
        return loose.read_text(encoding="utf-8").strip()
    lines = packed.read_text(encoding="utf-8").splitlines() if packed.is_file() else []
    return next((line.split()[0] for line in lines if line.endswith(" " + name)), None)
