"""Transcripts of a client library's tests: what was asked and what came back, as one text.

- `GET`, `/api/path`, `false` (not signed) and the body, a line each: a REST answer. A line `UriParams: {…}` before the
  body says what the path was asked with.
- `> {…}`, `< {…}`, `= {…}`: what a client sent, what was answered, what was pushed. The last may go over several lines.

Numbers that the client made up stand as `|1|`, with or without quotation marks.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

import msgspec

_MADE_UP: Final = re.compile(r"\|(\d+)\|")
_ASKED: Final = re.compile(r"(?:GET|POST|DELETE)\n(/\S*)\n(?:true|false)\n(?:UriParams: ([^\n]*)\n)?(.*)", re.DOTALL)
_params: Final = msgspec.json.Decoder(dict[str, str])


@dataclass(frozen=True, slots=True)
class Part:
    """One text of a transcript. `path` is that of a REST call, empty for a frame of a socket."""

    text: str
    sent: bool = False
    path: str = ""
    params: Mapping[str, str] = field(default_factory=dict)


def parts(text: str) -> Iterator[Part]:
    """The parts of a transcript, in order; nothing where it has no such form."""
    text = _MADE_UP.sub(r"\1", text.replace("\r\n", "\n"))
    if found := _ASKED.match(text):
        yield Part(found[3].strip(), path=found[1], params=_asked_with(found[2]))
        return
    marked: list[tuple[str, list[str]]] = []
    for line in text.split("\n"):
        if line[:2].rstrip() in (">", "<", "="):
            marked.append((line[0], [line[2:]]))
        elif marked:
            marked[-1][1].append(line)
    for mark, lines in marked:
        yield Part("\n".join(lines).strip(), sent=mark == ">")


def _asked_with(line: str | None) -> Mapping[str, str]:
    try:
        return _params.decode(line or "{}")
    except msgspec.DecodeError:
        return {}
