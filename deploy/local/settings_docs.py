"""`python -m deploy.local.settings_docs` writes docs/settings.md and .env.example from shared/config.py, and what the
containers have of each exchange and setting."""

import sys
from typing import Annotated, Any, get_args, get_origin, get_type_hints

from msgspec import NODEFAULT
from msgspec.structs import fields

from deploy.local import container_files
from deploy.local.process import REPOSITORY
from services.collector.venue import Variable
from services.collector.venues import VENUES
from shared.config import Runtime, Settings, expectation

DOCUMENT = REPOSITORY / "docs" / "settings.md"
EXAMPLE = REPOSITORY / ".env.example"

_HEAD = """# Settings

Made from `shared/config.py` by `make docs`; a test holds the two equal.

## Deployment

Environment variables, words after a make target (`make run PORT=8080 VENUES=okx`), or lines of a git-ignored `.env`
(`.env.example` has them all). The environment wins over the file. They are read once, at start; one that cannot be
used is named, and nothing starts.

"""
_RUNTIME = """
## At run time

Kept in Redis (hash `config`), changed in the console or by `POST /api/config`, validated before they are written, and
followed by every service without a restart.

"""
_VENUES = """
## Of one exchange

Environment variables as well, read by the exchange's collector. Addresses are for test nets and gateways of your own;
where `VENUE_GATEWAY` is set they change nothing.

"""
_MAKE = """
## Words of make alone

| target | words |
| --- | --- |
| `make replay` | `FILE="a b"` recorded sessions; `INSTRUMENTS="…"` the exchange's listing bodies; `VENUE`, else the \
exchange named in the path; `SPEED` (`max` or a factor); `ONCE=1` ends with the report |
| `make replay` of an archive | `FILE=` its folder, or that of a day or an hour; `FROM`, `TO`, `SPEED` |
| `make backtest` | `FROM`, `TO`, `ARCHIVE`, `SET`, `FEES`, `LATENCY`, `HOLD`, `EXIT`, `OUT` (docs/archive.md) |
| `make record` | `VENUE`; `FILE`, else `DATA_DIR/recordings/<venue>-<time>.jsonl` |
| `make start` | `MODE=demo` for the demo in the background |
| `make logs` | `SERVICE=api` for one service |
| `make test` | `TESTS=path`, `JOBS=n` |
| `make reset` | `YES=1` does not ask |
| all | `PYTHON=/path/to/python3` for set-up |
"""
_EXAMPLE_HEAD = """# Copy to .env and change what you need; every line is optional and shows its default.
# Made from shared/config.py by `make docs`. The environment wins over this file.
"""


def rows(kind: type) -> list[tuple[str, str, str, str]]:
    """(field, default as text, accepted, description) of every setting."""
    hints = get_type_hints(kind, include_extras=True)
    return [
        (field.name, default_text(field.default, field.default_factory), accepted(hints[field.name]), described)
        for field in fields(kind)
        for described in [description(hints[field.name])]
        if described
    ]


def default_text(default: Any, factory: Any) -> str:
    value = factory() if default is NODEFAULT and factory is not NODEFAULT else default
    if value == () or value == {}:
        return ""
    return f"{value:g}" if isinstance(value, float) else str(value)


def accepted(kind: Any) -> str:
    text = expectation(kind)
    return {"text": ""}.get(text, "a list" if text.startswith("tuple[") else text)


def description(kind: Any) -> str:
    metas = get_args(kind)[1:] if get_origin(kind) is Annotated else ()
    return next((meta.description for meta in metas if meta.description), "")


def table(kind: type, upper: bool) -> str:
    lines = ["| setting | default | what | accepted |", "| --- | --- | --- | --- |"]
    for name, default, takes, described in rows(kind):
        shown = f"`{default}`" if default else "(empty)"
        safe = described.replace("<", "&lt;")
        lines.append(f"| `{name.upper() if upper else name}` | {shown} | {safe} | {takes} |")
    return "\n".join(lines) + "\n"


def venue_variables() -> list[tuple[str, Variable]]:
    """(exchange, variable) of all exchanges."""
    return [(venue.display_name, one) for venue in VENUES.values() for one in venue.variables]


def venue_table() -> str:
    lines = ["| setting | default | what | accepted |", "| --- | --- | --- | --- |"]
    for venue, one in venue_variables():
        shown = f"`{one.default}`" if one.default else "(empty)"
        lines.append(f"| `{one.name}` | {shown} | {venue}: {one.description} | {one.accepted} |")
    return "\n".join(lines) + "\n"


def document() -> str:
    return (
        _HEAD + table(Settings, upper=True) + _VENUES + venue_table() + _MAKE + _RUNTIME + table(Runtime, upper=False)
    )


def example() -> str:
    parts = [_EXAMPLE_HEAD]
    for name, default, takes, described in rows(Settings):
        parts.append(f"\n# {described}{f' ({takes})' if takes else ''}\n# {name.upper()}={default}\n")
    for venue, one in venue_variables():
        parts.append(f"\n# {venue}: {one.description} ({one.accepted})\n# {one.name}={one.default}\n")
    return "".join(parts)


def main() -> int:
    DOCUMENT.parent.mkdir(exist_ok=True)
    DOCUMENT.write_text(document(), encoding="utf-8")
    EXAMPLE.write_text(example(), encoding="utf-8")
    container_files.write()
    return 0


if __name__ == "__main__":
    sys.exit(main())
