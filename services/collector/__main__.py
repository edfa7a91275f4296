"""`python -m services.collector`: run or check a venue's collector, record, decode or replay frames, see samples."""

import sys
from collections.abc import Sequence
from pathlib import Path

import msgspec

from services.collector.arguments import Parser, Usage, one_of
from services.collector.venues import VENUES
from shared.config import SettingError, load


def _run(arguments: Sequence[str]) -> int:
    parser = Parser("run", "Collect one exchange.")
    parser.add_argument("--venue", required=True, type=one_of(VENUES), help=f"one of: {', '.join(VENUES)}")
    name = parser.parse_args(arguments).venue
    from services.collector.override_file import OverrideFile
    from services.collector.process import collect, of_deployment
    from shared.service import run

    settings = load()
    venue, said = of_deployment(VENUES[name], settings), OverrideFile(settings, VENUES)
    return run(name, lambda service: collect(service, venue, said), settings)


def _samples(arguments: Sequence[str]) -> int:
    parser = Parser("samples", "One frame of each reason that made no event.")
    parser.add_argument("--venue", type=one_of(VENUES), help="of this exchange alone")
    from services.collector.samples import stored

    venue, settings = parser.parse_args(arguments).venue, load()
    if Path(settings.data_dir).exists() and not Path(settings.data_dir).is_dir():
        raise SettingError("DATA_DIR", settings.data_dir, "a directory")
    for sample in stored(settings.data_path, venue):
        print(msgspec.json.encode(sample).decode())
    return 0


def _decode(arguments: Sequence[str]) -> int:
    from services.collector import offline

    return offline.main(arguments, sys.stdin.buffer, sys.stdout.buffer, sys.stderr)


def _replay(arguments: Sequence[str]) -> int:
    from services.collector import replay

    return replay.main(arguments, sys.stdin.buffer, sys.stdout, sys.stderr)


def _record(arguments: Sequence[str]) -> int:
    from services.collector import recording

    return recording.main(arguments)


def _check(arguments: Sequence[str]) -> int:
    from services.collector import check

    return check.main(arguments)


COMMANDS = {
    "run": _run,
    "check": _check,
    "decode": _decode,
    "replay": _replay,
    "record": _record,
    "samples": _samples,
}


def main(arguments: Sequence[str]) -> int:
    """Run a subcommand and return the exit code."""
    parser = Parser("", __doc__ or "")
    parser.add_argument("command", type=one_of(COMMANDS), help=", ".join(COMMANDS))
    try:
        return COMMANDS[parser.parse_args(arguments[:1]).command](arguments[1:])
    except (SettingError, Usage) as error:
        print(f"collector: {error}", file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
