"""Whatever it is given: a report never raises, and what is sent keeps the API's limits."""

import logging
import sys
import traceback
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from issuetracker.client import IssueTrackerClient
from issuetracker.client.composing import compose_issue, issue_body
from issuetracker.messages import MAX_BODY_BYTES, MAX_CONTEXT_BYTES, NewIssue
from tests.client.conftest import MakeClient
from tests.client.servers import Tracker


class Hostile:
    """Raises whatever is asked of it."""

    def __str__(self) -> str:
        raise RuntimeError

    __repr__ = __str__

    def __eq__(self, other: object) -> bool:
        raise RuntimeError

    def __hash__(self) -> int:
        raise RuntimeError

    def __bool__(self) -> bool:
        raise RuntimeError

    def __iter__(self) -> Iterator[object]:
        raise RuntimeError

    def __len__(self) -> int:
        raise RuntimeError


class Text(str):
    """A text that lies."""

    __slots__ = ()

    def encode(self, *_: object) -> bytes:
        raise RuntimeError

    def __str__(self) -> str:
        return self

    def __len__(self) -> int:
        return 0


class Rows(Mapping[Any, Any]):
    """A mapping that breaks half way."""

    def __iter__(self) -> Iterator[Any]:
        yield "first"
        yield Hostile()

    def __getitem__(self, key: Any) -> Any:
        return key

    def __len__(self) -> int:
        return 2


class LyingError(Exception):
    """Its chain is no chain."""

    @property
    def __cause__(self) -> BaseException:  # type: ignore[override]
        raise RuntimeError

    @property
    def __notes__(self) -> list[str]:  # type: ignore[override]
        raise RuntimeError


any_text = st.text(st.characters(), max_size=60) | st.sampled_from(
    ["", " ", "\x00", "\ud800", "x" * 30_000, "\u2028", "a\nb", "\x85", "🦆" * 300, "%s %(a)s {}"]
)
scalars = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.builds(pow, st.just(10), st.just(5000))
    | st.floats()
    | any_text
    | st.binary(max_size=20)
    | st.builds(Hostile)
    | st.just(Text("lie"))
    | st.builds(object)
)
anything = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=5)
        | st.dictionaries(any_text | st.integers(), inner, max_size=5)
        | st.builds(Rows)
    ),
    max_leaves=8,
)
errors = st.builds(ValueError, any_text) | st.builds(LyingError) | st.builds(KeyError, scalars)
_NAMES = ["title", "description", "type", "priority", "tags", "component", "fingerprint"]
_NAMES += ["event_id", "context"]
arguments = st.fixed_dictionaries(
    dict.fromkeys(_NAMES, anything)
    | {"exception": st.none() | errors | anything, "with_variables": st.booleans()}
)


@given(arguments)
@settings(max_examples=300, deadline=None)
def test_what_is_sent_always_keeps_the_apis_limits(given_arguments: dict[str, Any]) -> None:
    body = issue_body(compose_issue(**given_arguments))
    issue = msgspec.json.decode(body, type=NewIssue)
    assert issue.event_id
    assert len(body) <= MAX_BODY_BYTES
    assert len(msgspec.json.encode(issue.context)) <= MAX_CONTEXT_BYTES


@pytest.fixture(scope="module")
def unreachable() -> IssueTrackerClient:
    """A client whose tracker is away, so that calls are quick."""
    return IssueTrackerClient("http://127.0.0.1:1")


@given(arguments)
@settings(max_examples=100, deadline=None)
def test_reporting_never_raises(
    unreachable: IssueTrackerClient, given_arguments: dict[str, Any]
) -> None:
    logging.getLogger("issuetracker").setLevel(logging.CRITICAL)
    try:
        assert unreachable.log_issue(**given_arguments) is None
        assert unreachable.log_exception(given_arguments["title"]) is None
    finally:
        logging.getLogger("issuetracker").setLevel(logging.NOTSET)


@given(anything, anything, anything)
@settings(max_examples=100, deadline=None)
def test_commenting_and_updating_never_raise(
    unreachable: IssueTrackerClient, issue_id: Any, body: Any, event_id: Any
) -> None:
    assert unreachable.add_comment(issue_id, body, event_id=event_id) is False
    assert unreachable.update_issue_status(issue_id, body, event_id=event_id) is False


@given(st.text(st.characters(), max_size=300))
@settings(
    max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_any_text_arrives(tracker: Tracker, make_client: MakeClient, text: str) -> None:
    client = make_client(tracker.url)
    arrived = client.log_issue(text, text, text, text, [text], text, fingerprint=text)
    assert arrived is not None
    client.close()


def test_a_log_that_raises_does_not_reach_the_caller(make_client: MakeClient) -> None:
    class Raising(logging.Filter):
        def filter(self, _record: logging.LogRecord) -> bool:
            raise RuntimeError("the log is full")

    client = make_client("http://127.0.0.1:1")
    loggers = [logging.getLogger(f"issuetracker.client.{name}") for name in ("ledger", "tracker")]
    trouble = Raising()
    for logger in loggers:
        logger.addFilter(trouble)
    try:
        assert client.log_issue("x") is None
    finally:
        for logger in loggers:
            logger.removeFilter(trouble)
    assert client.failed == 1


def test_a_report_at_the_end_of_the_stack_raises_nothing(
    tracker: Tracker, make_client: MakeClient
) -> None:
    client = make_client(tracker.url)
    tried: list[int] = []

    def descend(left: int) -> None:
        if left:
            descend(left - 1)
        else:
            tried.append(left)
            client.log_issue("deep")

    room = sys.getrecursionlimit() - sum(1 for _ in traceback.walk_stack(None))
    for left in range(25, 120, 5):
        descend(room - left)
    assert len(tried) == 19


def test_what_is_meant_to_end_the_process_is_let_through(
    tracker: Tracker, make_client: MakeClient
) -> None:
    class Interrupting:
        def __str__(self) -> str:
            raise KeyboardInterrupt

    client = make_client(tracker.url)
    with pytest.raises(KeyboardInterrupt):
        client.log_issue(Interrupting())  # type: ignore[arg-type]
    assert client.log_issue("afterwards") is not None
