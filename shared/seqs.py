"""Batch numbers of one stream: what was seen, what is missing, what is a retry. Pure.

Rules, per producer: the number after the highest is taken; above it, those between are missing from now on; one that
is missing is taken late; any other was seen before. A producer met for the first time sets its own baseline, unless
the reader was `live` before: then its numbers from 0 on are missing.
"""

from collections.abc import Iterable, Mapping
from typing import Any, Final, Literal

Taken = Literal["new", "late", "drop"]

#: Numbers kept as missing per producer. A writer has at most 256 in flight: what is older will not come late.
MAX_MISSING: Final = 4096
#: Producers remembered per stream: each restart of a collector is another one. The one not heard longest goes.
MAX_PRODUCERS: Final = 1024


class SeqMemory:
    """The account of one stream. `lost` counts numbers given up on, `jumps` how often some were found missing."""

    def __init__(self) -> None:
        self._high: dict[str, int] = {}
        self._missing: dict[str, dict[int, int]] = {}
        self.live = False
        self.lost = self.jumps = 0

    def take(self, producer: str, seq: int, at_ms: int = 0) -> Taken:
        """`new` and `late`: take the batch; `drop`: it was seen. `at_ms` is its entry's time, for `overdue`."""
        high = self._high.pop(producer, None)
        if high is None:
            high = -1 if self.live else seq - 1
            if len(self._high) >= MAX_PRODUCERS:
                self._forget(next(iter(self._high)))
        self._high[producer] = max(seq, high)  # the one heard last stands last
        if seq == high + 1:
            return "new"
        if seq > high:
            self._jump(producer, max(high + 1, seq - MAX_MISSING), seq, at_ms)
            self.lost += max(0, seq - high - 1 - MAX_MISSING)
            return "new"
        missing = self._missing.get(producer)
        if missing is None or missing.pop(seq, None) is None:
            return "drop"
        if not missing:
            del self._missing[producer]
        return "late"

    def missing(self) -> dict[str, list[int]]:
        """The missing numbers by producer, ascending."""
        return {producer: sorted(seqs) for producer, seqs in self._missing.items()}

    def overdue(self, before_ms: int) -> dict[str, list[int]]:
        """The numbers that were found missing before that time, each told once; they are not waited for any more."""
        found: dict[str, list[int]] = {}
        for producer, seqs in list(self._missing.items()):
            late = sorted(seq for seq, since in seqs.items() if since < before_ms)
            if late:
                found[producer] = late
                self.lost += len(late)
                self._missing[producer] = {seq: since for seq, since in seqs.items() if since >= before_ms}
                if not self._missing[producer]:
                    del self._missing[producer]
        return found

    def told(self, seqs: Mapping[str, Iterable[int]]) -> None:
        """These missing numbers were reported, by whoever had this memory before: they are not waited for any more."""
        for producer, numbers in seqs.items():
            missing = self._missing.get(producer, {})
            for seq in numbers:
                missing.pop(seq, None)
            if not missing:
                self._missing.pop(producer, None)

    def dump(self) -> dict[str, Any]:
        """Plain JSON values, to be stored with the reader's position."""
        return {"high": dict(self._high), "missing": self.missing(), "live": self.live}

    @classmethod
    def load(cls, dump: Mapping[str, Any]) -> "SeqMemory":
        memory = cls()
        memory._high = dict(dump["high"])
        memory._missing = {producer: dict.fromkeys(seqs, 0) for producer, seqs in dump["missing"].items()}
        memory.live = bool(dump["live"])
        return memory

    def _jump(self, producer: str, first: int, seq: int, at_ms: int) -> None:
        self.jumps += 1
        missing = self._missing.setdefault(producer, {})
        missing.update(dict.fromkeys(range(first, seq), at_ms))
        for oldest in sorted(missing)[: max(0, len(missing) - MAX_MISSING)]:
            del missing[oldest]
            self.lost += 1

    def _forget(self, producer: str) -> None:
        del self._high[producer]
        self.lost += len(self._missing.pop(producer, ()))
