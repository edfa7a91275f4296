"""The table of metrics."""

import re

from shared.metrics import METRICS, PREFIX


def test_names_are_fit_for_prometheus_and_say_what_they_count() -> None:
    for name, metric in METRICS.items():
        assert re.fullmatch(r"[a-z][a-z0-9_]*", name)
        assert metric.exposed == PREFIX + name
        assert (metric.kind == "counter") == (name.endswith("_total") or name == "cpu_seconds")
        assert metric.help
        assert not metric.help.endswith(".")
