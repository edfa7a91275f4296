"""Alerts into their table: each once, whatever comes again."""

import asyncpg
import msgspec

from services.recorder import store
from services.recorder.folders import AlertFolder
from services.recorder.migrate import migrate, migrations
from services.recorder.store import Position, Rejected
from services.recorder.track import Track
from shared import streams
from tests.alerter.parts import T0, S, alert


async def test_an_alert_is_one_row_that_its_end_completes(postgres_url: str) -> None:
    connection = await asyncpg.connect(postgres_url)
    files = migrations()
    await migrate(connection, files)
    await store.prepare(connection)
    folder, track = AlertFolder(), Track(streams.ALERTS, "i")
    fire, end = alert("one"), alert("one", event="end", peak="9")
    position: dict[str, Position] = {}
    for number, one in enumerate((fire, end, fire, alert("two", about={"nul": "a\x00b"})), 1):
        folder.take(track, f"{number}-0", msgspec.msgpack.encode(one))
        after = {streams.ALERTS: track.position()}
        done = await store.commit(connection, streams.ALERTS, position, after, {}, folder.collect(), files[-1].version)
        position = after
    rows = await connection.fetch("SELECT id, rev, rule, subject, severity, at, ended_at, record FROM history.alerts")
    (row,) = rows
    assert (row["id"], row["rev"], row["rule"], row["subject"]) == ("one", 2, "exchange-away", "alpha one")
    assert (row["at"].timestamp(), row["ended_at"].timestamp()) == (T0 / S, T0 / S + 90)
    assert msgspec.json.decode(row["record"])["peak"] == "9"
    assert [type(one) for one in done.refused] == [Rejected], "Postgres takes no NUL: kept aside"
    assert await connection.fetchval("SELECT count(*) FROM stream_position WHERE stream = 'alerts'") == 1
    await connection.close()
