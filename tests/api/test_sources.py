"""What processes report, as rows."""

from services.api.sources import json_of, process_view
from services.api.state import Process


def test_what_a_process_reports_as_json_may_be_none() -> None:
    for text in ("{", "[" * 100_000, '"\ud800"'):
        assert json_of(text) is None
    view = process_view(Process("alpha", "m", {"connections_json": "[" * 100_000, "unknown_json": '{"x": 1}'}))
    assert view["connections_by_reason"] is None
    assert view["unknown_by_reason"] == {"x": 1}
