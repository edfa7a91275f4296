"""`python -m services.recorder`: record what the streams carry. Any number may run; a feed is served by one at a time.

`python -m services.recorder maintain` removes what is older than its days now, and shows how far it is.

Exit codes: 0 after a stop, 1 for a fault, 2 for a setting or a command that is none, 3 for a database whose schema does
not fit.
"""

import asyncio
import sys
from datetime import UTC, datetime
from functools import partial

import asyncpg
from rich.progress import Progress, TaskID

from services.recorder import maintenance
from services.recorder.database import AWAY, BROKEN, UNABLE, sentence
from services.recorder.migrate import Migration, migrate, migrations
from services.recorder.recorder import Recorder
from shared.config import SettingError, Settings, load
from shared.service import CannotServeError, Service, run


async def main(files: list[Migration], service: Service) -> None:
    await Recorder(service, files).run()


async def maintain(settings: Settings) -> str:
    """The daily maintenance at once; returns what it did, in a sentence."""
    connection = await asyncpg.connect(settings.database, timeout=10)
    try:
        await migrate(connection, migrations())
        with Progress() as bars:
            tasks: dict[str, TaskID] = {}

            def show(step: str, done: int, of: int) -> None:
                if step not in tasks:
                    tasks[step] = bars.add_task(step, total=max(of, 1))
                bars.update(tasks[step], completed=done if of else 1)

            kept = (settings.retention_days, settings.retention_detail_days)
            report = await maintenance.maintain(connection, datetime.now(UTC).date(), *kept, show)
    finally:
        await connection.close()
    if report is None:
        return "another recorder is at it"
    return f"{report.days_dropped} days and {report.rows_deleted} old rows removed in {report.took_ms / 1000:.1f} s"


def command() -> int:
    """`maintain`, with its exit code."""
    try:
        print(asyncio.run(maintain(load())))
    except SettingError as error:
        print(f"recorder: {error}", file=sys.stderr)
        return 2
    except (*AWAY, *UNABLE) as error:
        print(f"recorder: {sentence(error)}", file=sys.stderr)
        return 1
    except (*BROKEN, CannotServeError) as error:
        print(f"recorder: {error}", file=sys.stderr)
        return 3
    return 0


if __name__ == "__main__":
    if sys.argv[1:] == ["maintain"]:
        raise SystemExit(command())
    if sys.argv[1:]:
        print(f"recorder: {' '.join(sys.argv[1:])!r} is no command; expected: maintain, or nothing", file=sys.stderr)
        raise SystemExit(2)
    raise SystemExit(run("_recorder", partial(main, migrations())))
