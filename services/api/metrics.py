"""The Prometheus page: the figures of every process's health record, under the product's one table of names."""

from typing import Final

from services.api.state import LiveState
from shared.metrics import METRICS, PREFIX

CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"
_STATE: Final = PREFIX + "up"


def exposition(state: LiveState) -> str:
    """Every known figure of every live process; a figure that is not measured yet is left out."""
    processes = [state.processes[name] for name in sorted(state.processes)]
    lines: list[str] = []
    for metric in METRICS.values():
        known = [(one, why, figure) for one in processes for why, figure in one.numbers(metric.name)]
        if known:
            lines += [f"# HELP {metric.exposed} {escaped(metric.help)}", f"# TYPE {metric.exposed} {metric.kind}"]
            lines += [f"{metric.exposed}{labels(one.name, one.member, why)} {figure!r}" for one, why, figure in known]
    lines += [f"# HELP {_STATE} 1 while a process says that it is live", f"# TYPE {_STATE} gauge"]
    lines += [f"{_STATE}{labels(one.name, one.member)} {int(one.state == 'live')}" for one in processes]
    return "\n".join(lines) + "\n"


def labels(service: str, member: str, reason: str = "") -> str:
    because = f',reason="{escaped(reason)}"' if reason else ""
    return f'{{service="{escaped(service)}",member="{escaped(member)}"{because}}}'


def escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
