"""Every metric: the name of a numeric field in the health records, its type and what it says.

`GET /metrics` gives each field of each live process as `parallax_<name>{service="...", member="..."}`. A field that is
not in this table is not a metric. Names end in their unit; `_total` counts since the process's start. What is counted
by reason has a field for each, `<name>:<reason>`, which is given with the label `reason`.
"""

from typing import Final, Literal

import msgspec

PREFIX: Final = "parallax_"


class Metric(msgspec.Struct, frozen=True):
    name: str
    kind: Literal["counter", "gauge"]
    help: str

    @property
    def exposed(self) -> str:
        """The name in the exposition."""
        return PREFIX + self.name


def _table(*rows: tuple[str, str]) -> dict[str, Metric]:
    counted = ("_total", "cpu_seconds")
    return {name: Metric(name, "counter" if name.endswith(counted) else "gauge", text) for name, text in rows}


#: By field name, in the order in which they are shown.
METRICS: Final[dict[str, Metric]] = _table(
    # every process
    ("started_ms", "When the process started, in ms since the epoch"),
    ("rss_bytes", "Memory of the process"),
    ("cpu_seconds", "Processor time used by the process, user and system"),
    # collectors
    ("listed", "Instruments that the venue lists"),
    ("instruments", "Instruments that are chosen for collection"),
    ("subscribed", "Topics acknowledged and live"),
    ("unplaced", "Topics that no connection has room for"),
    ("connections", "WebSocket connections"),
    ("buckets", "Ownership buckets that this member serves, of 64"),
    ("members", "Live members of the venue as this one sees them"),
    ("frames_total", "Frames received"),
    ("frames_per_s", "Frames received per second, over the last second"),
    ("lag_ms_p50", "Venue time to receipt, median of recent frames; -1: not measured"),
    ("lag_ms_p99", "Venue time to receipt, 99th percentile of recent frames; -1: not measured"),
    ("last_frame_age_ms", "Age of the newest frame of any connection; -1: none yet"),
    ("reconnects_total", "Connections that ended"),
    ("refused_total", "Subscriptions that the venue refused"),
    ("frozen_total", "Quotes that stood still while REST said otherwise"),
    ("fenced_total", "Times this member lost its standing and began anew"),
    ("unknown_total", "Rows or frames that were not understood"),
    ("held_total", "Events held back at publishing: older than what was published, replays, caps"),
    ("resent_total", "Batches sent again after a break or a refusal"),
    ("backlog_bytes", "Encoded events that wait for Redis"),
    ("rest_calls_total", "HTTP requests to the venue"),
    ("rest_failures_total", "HTTP requests to the venue that failed"),
    # several
    ("events_total", "Events published (collectors) or read (scanner, recorder)"),
    ("gaps_total", "Gaps found: in books (collectors), in streams (recorder)"),
    ("dropped_total", "Events let go because a bound was reached, or bars beyond it"),
    ("rejected_total", "Stream entries or records that could not be read"),
    ("rows_total", "Rows written: of the board (scanner), of the database (recorder)"),
    ("lag_ms", "How far reading is behind, the worst stream"),
    ("late_total", "Events that came after their time"),
    # scanner
    ("partitions", "Partitions that this process owns"),
    ("assets", "Assets on the board"),
    ("routes", "Routes with a life-cycle state"),
    ("signals_open", "Signals that are open or fading"),
    ("entries_total", "Stream entries read"),
    ("records_total", "Signal records written"),
    ("held_back_total", "Candidates for a signal that a guard held back, one at each sampling instant"),
    (
        "pairs_refused_total",
        "Times a pair near a signal found no room among those whose past is kept, each 2 s",
    ),
    ("missed_total", "Stream entries that were gone before they were read"),
    ("jumps_total", "Times a producer's batch numbers jumped"),
    ("unlisted_total", "Events of symbols that no listing has"),
    ("unreadable_total", "Stream entries that could not be decoded"),
    ("checkpoint_age_ms", "Time since the last checkpoint was written"),
    ("checkpoint_bytes", "Size of the last checkpoint"),
    # recorder
    ("commits_total", "Transactions committed"),
    ("open_bars", "Bars held in memory that are not closed yet"),
    ("disk_bytes", "Size of the history on disk"),
    ("paused", "1 while the recorder or the archiver pauses because the disk is full"),
    # archiver
    ("unsealed", "Segments of the archive's journal that have ended and are not Parquet yet"),
    # alerter
    ("alerts_active", "Alerts that are raised and not over"),
    ("alerts_raised_total", "Alerts raised, things told once included"),
    ("alerts_repeated_total", "Times a subject was back within its rule's cool-down"),
    ("alerts_held_total", "Messages that were kept for a digest: quiet hours, pace, a channel that fails"),
    ("alerts_merged_total", "Messages that a digest only counts, since it tells no more of them by name"),
    ("deliveries_total", "Messages that a channel took"),
    ("deliveries_failed_total", "Attempts to deliver that failed"),
    ("deliveries_lost_total", "Messages given up after an hour of attempts"),
    ("deliveries_waiting", "Messages on their way to a channel"),
    # api
    ("api_sockets", "Open client sockets"),
    ("api_refused_total", "Requests and socket upgrades refused by host, origin, form, path or number"),
    ("api_feeds", "Subscriptions of clients"),
)
