from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from services.api.fields import NAMES, accepts, fields, rule_fields
from shared import alert_rules
from shared.alert_rules import MANNERS
from shared.alerts import RULE_KINDS, UNUSED, ChannelManners
from shared.config import BorrowRate


def test_a_number_is_told_with_its_bounds() -> None:
    found = accepts(Annotated[float, Meta(gt=0, le=100, description="a share")])
    assert found == {
        "type": "number",
        "exclusive_minimum": 0,
        "maximum": 100,
        "description": "a share",
        "expected": "a number, more than 0, at most 100",
    }


def test_null_and_bounds_are_both_told() -> None:
    found = accepts(Annotated[int, Meta(ge=1)] | None)
    assert (found["type"], found["nullable"], found["minimum"]) == ("integer", True, 1)


def test_choices_and_lists_are_told_with_what_they_hold() -> None:
    assert accepts(Literal["a", "b"])["choices"] == ["a", "b"]
    assert accepts(tuple[Literal["a"], ...])["each"]["choices"] == ["a"]
    pairs = accepts(tuple[tuple[str, str], ...])
    assert "length" not in pairs
    assert (pairs["each"]["length"], pairs["each"]["each"]["type"]) == (2, "text")


def test_an_object_is_told_by_the_names_of_its_fields() -> None:
    found = accepts(tuple[BorrowRate, ...])
    assert found["expected"] == "a list of {asset, venue, apr_percent}, percent a year from 0 to 10000"
    assert (found["each"]["type"], found["each"]["expected"]) == ("object", "an object of asset, venue, apr_percent")


def test_every_field_of_a_rule_is_told_but_those_of_no_use() -> None:
    for kind, told in rule_fields().items():
        names = {field.name for field in msgspec.structs.fields(RULE_KINDS[kind])}
        assert told.keys() == names - set(UNUSED.get(kind, ())), kind


def test_what_is_told_as_the_default_is_accepted() -> None:
    for kind, told in rule_fields().items():
        given = {name: one["default"] for name, one in told.items() if not one["required"]}
        needed = {"name": "a", "above": 1, "above_bps": 1, "asset": "A", "level": 1}
        given |= {name: needed[name] for name, one in told.items() if one["required"]}
        (rule,) = alert_rules.rules([{"kind": kind, **given}])
        assert rule == msgspec.convert({"kind": kind, **needed_of(told, needed)}, type(rule))
    manners = {name: one["default"] for name, one in fields(ChannelManners, MANNERS).items()}
    assert alert_rules.channels({"ops": manners}) == {"ops": ChannelManners()}


def needed_of(told: dict[str, dict[str, object]], needed: dict[str, object]) -> dict[str, object]:
    return {name: needed[name] for name, one in told.items() if one["required"]}


def test_fields_that_name_something_say_what() -> None:
    told = rule_fields()["signal"]
    assert {name: one["names"] for name, one in told.items() if "names" in one} == {
        name: NAMES[name] for name in ("channels", "assets", "venues", "routes")
    }
