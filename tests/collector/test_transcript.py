"""Transcripts of a client's tests, alone and as elements of a file."""

import json
from io import BytesIO
from pathlib import Path

import pytest

from services.collector.capture import elements, read_files
from services.collector.transcript import Part, parts
from services.collector.venue import Request


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('GET\n/api/x\nfalse\n{\n  "a": 1\n}', [Part('{\n  "a": 1\n}', path="/api/x")]),
        ("GET\r\n/api/x\r\ntrue\r\n[]", [Part("[]", path="/api/x")]),
        (
            'GET\n/api/x\nfalse\nUriParams: {"symbol": "A"}\n{}',
            [Part("{}", path="/api/x", params={"symbol": "A"})],
        ),
        ("GET\n/api/x\nfalse\nUriParams: nothing\n{}", [Part("{}", path="/api/x")]),
        (
            '> {"id": "|1|"}\n< {"id": |1|}\n= \n{\n  "a": 1\n}',
            [Part('{"id": "1"}', sent=True), Part('{"id": 1}'), Part('{\n  "a": 1\n}')],
        ),
        ("> 1\n< 2\n=\n3\n= 4\n> 5", [Part("1", sent=True), Part("2"), Part("3"), Part("4"), Part("5", sent=True)]),
        ("nothing of the kind", []),
        ("", []),
    ],
)
def test_a_transcript_falls_into_its_parts(text: str, expected: list[Part]) -> None:
    assert list(parts(text)) == expected


def test_a_file_of_transcripts_gives_frames_answers_and_what_a_client_sent(tmp_path: Path) -> None:
    texts = ['GET\n/api/x\nfalse\n{"b":1}', '> {"op":"s"}\n< {"ok":1}\n= {"c":2}']
    file = tmp_path / "samples.json"
    file.write_text(json.dumps([{"file": "a.txt", "text": text} for text in texts] + [{"d": 3}, 7]))
    (whole,) = read_files([str(file)], BytesIO())
    found = [(one.line, one.frame, one.request, one.skipped) for one in elements(whole)]
    assert found == [
        (1, b'{"b":1}', Request("/api/x"), None),
        (2, b'{"op":"s"}', None, "client"),
        (2, b'{"ok":1}', None, None),
        (2, b'{"c":2}', None, None),
        (3, b'{"d": 3}', None, None),
        (4, b"7", None, None),
    ]
