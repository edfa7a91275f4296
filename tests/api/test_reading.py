from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.api.errors import ApiError
from services.api.reading import convert
from services.api.sources import BoardParams, SignalsParams

JSON = st.recursive(
    st.none() | st.booleans() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["columns", "filter", "sort", "top_n", "rate", "x"]), inner, max_size=4)
    ),
)


def refused(value: Any) -> ApiError:
    with pytest.raises(ApiError) as caught:
        convert(value, BoardParams, "params")
    return caught.value


def test_an_error_names_the_field_its_value_and_what_was_expected() -> None:
    error = refused({"top_n": "many"})
    assert (error.field, error.value, error.expected) == ("params.top_n", "many", "a whole number or nothing")
    error = refused({"top_n": 0})
    assert (error.field, error.value, error.expected) == ("params.top_n", 0, "a whole number >= 1")
    error = refused({"filter": {"venues": ["a", 5]}})
    assert (error.field, error.value, error.expected) == ("params.filter.venues[1]", 5, "text")
    with pytest.raises(ApiError, match="expected one of open, all"):
        convert({"state": "closed"}, SignalsParams, "params")


def test_an_unknown_field_is_told_the_known_ones() -> None:
    error = refused({"nope": 1})
    assert (error.code, error.field, error.expected) == (
        "unknown_field",
        "params.nope",
        "one of columns, filter, sort, top_n, rate",
    )
    error = refused({"filter": {"min_net": 1}})
    assert error.field == "params.filter.min_net"
    assert "min_net_bps" in str(error.expected)


@given(JSON)
def test_anything_is_either_converted_or_refused_with_a_field(value: Any) -> None:
    error: ApiError | None = None
    try:
        assert isinstance(convert(value, BoardParams, "params"), BoardParams)
    except ApiError as caught:
        error = caught
    if error is not None:
        assert error.field
        assert error.expected
        msgspec.json.encode(error.body())
