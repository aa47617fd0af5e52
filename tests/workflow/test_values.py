from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workflow.exceptions import UnusableValue
from workflow.traces import ErrorRecord
from workflow.values import MAX_TEXT, json_value, storable_text

_TEXT = st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"]))
_JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | _TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_TEXT, inner, max_size=3),
)


@given(_JSON)
def test_json_comes_back_as_it_was(value: Any) -> None:
    assert json_value(value) == value


def test_a_result_looks_the_same_before_and_after_it_was_kept() -> None:
    assert json_value({1: (2, 3)}) == {"1": [2, 3]}


def test_a_backslash_before_u0000_is_no_nul() -> None:
    assert json_value("\\u0000") == "\\u0000"


_endless: list[Any] = []
_endless.append(_endless)


@pytest.mark.parametrize(
    "value",
    [
        object(),
        float("nan"),
        float("inf"),
        "a\x00b",
        {"\x00": 1},
        "\\\x00",
        "\ud800",
        _endless,
        {1},
    ],
)
def test_what_the_database_cannot_keep_is_refused(value: Any) -> None:
    with pytest.raises(UnusableValue):
        json_value(value)


def test_text_for_the_record_keeps_its_beginning_and_its_end() -> None:
    text = storable_text("begin" + "\x00\ud800" * MAX_TEXT + "end")
    assert text.startswith("begin")
    assert text.endswith("end")
    assert len(text) <= MAX_TEXT
    assert "\x00" not in text
    text.encode()


class _Unprintable(Exception):
    def __str__(self) -> str:
        raise RuntimeError("no text")

    __repr__ = __str__


def test_an_exception_that_cannot_be_printed_is_recorded_all_the_same() -> None:
    record = ErrorRecord.of(_Unprintable())
    assert record.error_type.endswith("_Unprintable")
    assert "_Unprintable" in record.error_message
