"""How a venue does, in one word and one sentence for a person."""

from services.collector.engine import Engine
from services.collector.pacing import SECOND
from services.collector.sentences import TURNED_AWAY


def standing(engine: Engine) -> tuple[str, str]:
    """(`starting` | `live` | `blocked` | `degraded`, one sentence that may be empty)."""
    if not engine.listed.is_set():
        return _unlisted(engine)
    connections = [connection for line in engine.lines.values() for connection in line.connections]
    if engine.lines and not connections and engine.unreached:
        error = next(iter(engine.unreached.values()))
        return ("blocked" if error.status in TURNED_AWAY else "degraded"), str(error)
    if not engine.lines:
        return "live", "" if engine.ownership.members else "Nothing to collect."
    if not any(connection.good for connection in connections):
        return "starting", ""
    if engine.unreached:
        return "degraded", f"{len(engine.unreached)} of {len(engine.lines)} connections are down."
    if engine.plan.unplaced:
        return "degraded", f"{len(engine.plan.unplaced)} subscriptions find no room within the exchange's limits."
    return "live", ""


def _unlisted(engine: Engine) -> tuple[str, str]:
    failing = list(engine.jobs.failing.values())
    refusals = [error for error in failing if error.kind in ("blocked", "refused")]
    if not failing:
        return "starting", ""
    return ("blocked" if refusals else "degraded"), (refusals or failing)[0].sentence


def retry(engine: Engine, now: int) -> str:
    """When what fails is tried again, in a few words; empty where nothing that matters fails."""
    if engine.listed.is_set() or not engine.jobs.failing:
        return ""
    return f"Retry in {max(0, round((engine.jobs.next_listing - now) / SECOND))} s."
