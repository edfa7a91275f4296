"""What could not be decoded: a counter per reason, and one frame of each kept on disk for whoever wants to look."""

import re
from base64 import b64encode
from collections import Counter
from pathlib import Path
from typing import Any, Final

import msgspec

#: reasons beyond this many are counted as one
REASONS_MAX: Final = 100
SAMPLE_BYTES_MAX: Final = 1 << 20


class Samples:
    """The unknown frames and rows of one venue. The first frame of a reason in a run replaces the one kept before."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.counts: Counter[str] = Counter()

    def unknown(self, reason: str, native: str | None, frame: bytes, where: str, recv: int) -> None:
        """Count a reason; keep its first frame. `where` names the endpoint or the REST path."""
        if reason not in self.counts:
            if len(self.counts) >= REASONS_MAX:
                reason = "other"
            else:
                self._keep(reason, native, frame, where, recv)
        self.counts[reason] += 1

    def _keep(self, reason: str, native: str | None, frame: bytes, where: str, recv: int) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        sample = {"reason": reason, "native": native, "where": where, "recv": recv, **_readable(frame)}
        (self._folder / f"{re.sub(r'[^a-z0-9_]+', '_', reason.lower())}.json").write_bytes(msgspec.json.encode(sample))


def _readable(frame: bytes) -> dict[str, Any]:
    cut = frame[:SAMPLE_BYTES_MAX]
    try:
        return {"frame": cut.decode(), "bytes": len(frame)}
    except UnicodeDecodeError:
        return {"b64": b64encode(cut).decode(), "bytes": len(frame)}


def folder(data: Path, venue: str) -> Path:
    return data / "samples" / venue


def stored(data: Path, venue: str | None = None) -> list[dict[str, Any]]:
    """The samples on disk, by venue and reason, each with its `venue`."""
    found: list[dict[str, Any]] = []
    for path in sorted((data / "samples").glob(f"{venue or '*'}/*.json")):
        found.append({"venue": path.parent.name, **msgspec.json.decode(path.read_bytes(), type=dict[str, Any])})
    return found
