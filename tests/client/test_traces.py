"""What is told of an exception, and what makes two of them the same fault."""

import json
import linecache
import random
from collections.abc import Callable

import pytest

from issuetracker.client import ExceptionReport, report_of


def reported(raising: Callable[[], object], *, with_variables: bool = False) -> ExceptionReport:
    """The report of what `raising` raises."""
    try:
        raising()
    except BaseException as error:  # noqa: BLE001
        return report_of(error, with_variables=with_variables)
    raise AssertionError("nothing was raised")


def fail(message: str = "order 17 has no lines") -> None:
    raise ValueError(message)


def fail_elsewhere() -> None:
    raise ValueError("order 17 has no lines")


def test_the_title_is_type_and_message_on_one_line() -> None:
    assert reported(fail).title == "ValueError: order 17 has no lines"
    assert reported(lambda: fail("a\n\tb\x00")).title == "ValueError: a b�"
    assert reported(lambda: fail("")).title == "ValueError"
    assert len(reported(lambda: fail("x" * 10_000)).title) == 200


def test_the_trace_names_files_functions_and_lines() -> None:
    (raised,) = reported(fail).exception
    last = raised.frames[-1]
    assert raised.type == "builtins.ValueError"
    assert raised.message == "order 17 has no lines"
    assert (last.file, last.function) == (__file__, "fail")
    assert last.code == "    raise ValueError(message)"
    assert last.before[-1].startswith("def fail(")
    assert last.own


def test_notes_belong_to_the_message() -> None:
    error = ValueError("no lines")
    error.add_note("while closing the month")
    assert report_of(error).exception[0].message == "no lines\nwhile closing the month"


def test_ids_in_the_message_change_nothing_about_the_fault() -> None:
    prints = {reported(lambda: fail(f"order {random.random()}")).fingerprint for _ in range(5)}
    assert len(prints) == 1


def _compiled(source: str) -> Callable[[], object]:
    space: dict[str, object] = {"__name__": "billing"}
    code = compile(source, "billing.py", "exec")
    exec(code, space)
    found = space["close_month"]
    assert callable(found)
    return found


def test_shifted_lines_change_nothing_about_the_fault() -> None:
    source = "def close_month():\n    return {}['x']\n"
    shifted = reported(_compiled("# a comment\n\n\n" + source))
    assert shifted.fingerprint == reported(_compiled(source)).fingerprint
    assert shifted.exception[0].frames[-1].line == 5


def test_another_function_type_or_cause_is_another_fault() -> None:
    def fail_otherwise() -> None:
        raise TypeError

    def fail_with_cause() -> None:
        try:
            fail()
        except ValueError as error:
            raise ValueError from error

    faults = (fail, fail_elsewhere, fail_otherwise, fail_with_cause)
    assert len({reported(fault).fingerprint for fault in faults}) == 4


def test_the_depth_of_a_recursion_changes_nothing_about_the_fault() -> None:
    def descend(depth: int) -> None:
        if depth == 0:
            raise ValueError
        descend(depth - 1)

    assert reported(lambda: descend(3)).fingerprint != reported(fail).fingerprint
    shallow, deep = (_of_descent(descend, depth) for depth in (3, 300))
    assert shallow.fingerprint == deep.fingerprint
    frames = deep.exception[0].frames
    assert len(frames) == 51
    assert frames[20].function == "(253 calls left out)"
    assert frames[-1].code.strip() == "raise ValueError"


def _of_descent(descend: Callable[[int], None], depth: int) -> ExceptionReport:
    return reported(lambda: descend(depth))


def test_library_code_is_not_the_services_own() -> None:
    def parse() -> None:
        json.loads("{")

    frames = reported(parse).exception[0].frames
    assert [frame.own for frame in frames][-1] is False
    assert frames[-1].code
    assert frames[-1].before == []
    assert any(frame.own for frame in frames)


def test_a_cause_and_a_context_are_told_with_their_relation() -> None:
    def with_cause() -> None:
        try:
            fail()
        except ValueError as error:
            raise KeyError("cause") from error

    def with_context() -> None:
        try:
            fail()
        except ValueError:
            raise KeyError("context")  # noqa: B904

    def without() -> None:
        try:
            fail()
        except ValueError:
            raise KeyError("alone") from None

    relations = [
        [link.relation for link in reported(raising).exception]
        for raising in (with_cause, with_context, without)
    ]
    assert relations == [["", "cause"], ["", "context"], [""]]


def test_a_chain_that_bites_its_tail_ends() -> None:
    first, second = ValueError("first"), KeyError("second")
    first.__cause__, second.__cause__ = second, first
    assert [link.type for link in report_of(first).exception] == [
        "builtins.ValueError",
        "builtins.KeyError",
    ]


def test_a_long_chain_is_bounded() -> None:
    error: Exception = ValueError("root")
    for number in range(50):
        error, inner = ValueError(str(number)), error
        error.__cause__ = inner
    assert len(report_of(error).exception) == 10


def _group(*members: Exception) -> ExceptionGroup[Exception]:
    return ExceptionGroup("many failed", members)


def test_a_group_tells_of_its_members() -> None:
    report = report_of(_group(ValueError("a"), KeyError("b")))
    assert report.title == "ExceptionGroup: many failed (2 sub-exceptions)"
    assert [link.message for link in report.exception[1:]] == ["a", "'b'"]


def test_a_group_of_one_is_titled_after_it() -> None:
    title = report_of(_group(ValueError("a"))).title
    assert title == "ExceptionGroup: ValueError: a (many failed (1 sub-exception))"


def test_order_and_number_of_a_groups_members_change_nothing_about_the_fault() -> None:
    several = _group(ValueError("a"), KeyError("b"), ValueError("c"))
    turned = _group(KeyError("z"), ValueError("y"))
    assert report_of(several).fingerprint == report_of(turned).fingerprint
    assert report_of(several).fingerprint != report_of(_group(KeyError())).fingerprint


def test_variables_are_sent_only_when_asked_for_and_without_secrets() -> None:
    def pay() -> None:
        card, password, api_key = "4111", "hunter2", "k"  # noqa: F841
        options = {"token": "abc", "retries": 3}  # noqa: F841
        raise ValueError

    assert reported(pay).exception[0].frames[-1].variables == {}
    assert reported(pay, with_variables=True).exception[0].frames[-1].variables == {
        "card": "'4111'",
        "password": "[masked]",
        "api_key": "[masked]",
        "options": "{'token': '[masked]', 'retries': 3}",
    }


class Hostile(Exception):
    """Nothing about it works."""

    def __str__(self) -> str:
        raise RuntimeError("no text")

    def __repr__(self) -> str:
        raise RuntimeError("no text")


def test_an_exception_without_text_is_told_by_its_type() -> None:
    def raise_it() -> None:
        hostile = Hostile()
        raise hostile

    report = reported(raise_it, with_variables=True)
    assert report.title == "Hostile: <Hostile without text>"
    variables = report.exception[0].frames[-1].variables
    assert variables["hostile"] == "<Hostile without text>"


def test_code_without_a_source_has_a_trace_all_the_same() -> None:
    linecache.clearcache()
    frame = reported(_compiled("def close_month():\n    fail()\n")).exception[0].frames[-1]
    assert (frame.file, frame.line, frame.code) == ("billing.py", 2, "")


@pytest.mark.parametrize("error", [KeyboardInterrupt(), SystemExit(1), GeneratorExit()])
def test_what_is_no_ordinary_exception_is_told_too(error: BaseException) -> None:
    assert report_of(error).title.startswith(type(error).__name__)
