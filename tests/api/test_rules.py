"""Rules say what new issues begin with; the decision travels in the change itself."""

import threading
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.db import DatabaseError
from django.test import Client

from issuetracker import rules
from issuetracker.messages import NewIssue, RaisedException
from issuetracker.models import Rule
from issuetracker.publisher import IssuePublisher
from issuetracker.rules import NOTHING, Decision, RuleBook, compiled, decide_by
from tests.api.working import read, report, update
from tests.brokers import MemoryBroker, publishing
from tests.services import unique
from tests.system import eventually

REPORT = NewIssue(
    title="Timeout while reading",
    component="billing-worker",
    tags=["db"],
    exception=[RaisedException(type="builtins.TimeoutError")],
)


def priority_by(**fields: Any) -> object:
    rule = Rule(name="a rule", **{"priority": "high", **fields})
    return decide_by(compiled([rule]), REPORT).priority


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"component": "billing-*"},
        {"component": "billing-worke?"},
        {"exception_type": "*.TimeoutError"},
        {"title_prefix": "Timeout"},
        {"tag": "db"},
        {"component": "billing-*", "exception_type": "builtins.*", "tag": "db"},
    ],
)
def test_a_rule_matches_when_all_that_it_names_does(fields: dict[str, str]) -> None:
    assert priority_by(**fields) == "high"


@pytest.mark.parametrize(
    "fields",
    [
        {"component": "billing"},
        {"component": "*-Worker"},
        {"exception_type": "TimeoutError"},
        {"title_prefix": "timeout"},
        {"tag": "d"},
        {"component": "billing-*", "tag": "net"},
    ],
)
def test_a_rule_that_names_something_else_does_not(fields: dict[str, str]) -> None:
    assert priority_by(**fields) != "high"


def test_the_first_rule_that_matches_decides() -> None:
    found = compiled(
        [
            Rule(name="other", component="web", priority="low"),
            Rule(name="first", tag="db", assignee="ada"),
            Rule(name="second", tag="db", priority="critical"),
        ]
    )
    assert decide_by(found, REPORT).assignee == "ada"
    assert decide_by(found, REPORT).priority is Decision().priority


def test_a_rule_sets_a_new_issue_and_a_person_overrules_it(
    api: Client, no_broker: IssuePublisher
) -> None:
    Rule.objects.create(name="billing", component="billing", priority="critical", assignee="ada")
    issue_id = report(api, component="billing", priority="low", fingerprint="ruled")
    shown = read(api, issue_id)
    assert (shown["priority"], shown["assignee"]) == ("critical", "ada")
    update(api, issue_id, priority="medium", assignee=None)
    report(api, component="billing", priority="low", fingerprint="ruled")
    shown = read(api, issue_id)
    assert (shown["priority"], shown["assignee"]) == ("medium", None)


def test_the_decision_is_in_the_message(api: Client, memory_broker: MemoryBroker) -> None:
    topic = unique("issues")
    with publishing(memory_broker.bootstrap_servers, topic):
        rule = Rule.objects.create(name="all", priority="high")
        ruled = report(api)
        rule.delete()
        unruled = report(api)
    messages = {one["issue_id"]: one for one in memory_broker.messages(topic, 2)}
    assert messages[ruled]["priority"] == "high"
    assert "assignee" not in messages[ruled]
    assert "priority" not in messages[unruled]


def test_a_disabled_rule_decides_nothing(api: Client, no_broker: IssuePublisher) -> None:
    Rule.objects.create(name="off", priority="critical", enabled=False)
    assert read(api, report(api))["priority"] == "medium"


def test_no_report_waits_for_rules_that_were_read_once(
    transactional_db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    rule = compiled([Rule(name="all", priority="high")])
    hanging, released = threading.Event(), threading.Event()

    def hang() -> object:
        hanging.set()
        released.wait(20)
        return ()

    book = RuleBook()
    monkeypatch.setattr(rules, "REFRESH_SECONDS", 0.0)
    monkeypatch.setattr(rules, "_read", lambda: rule)
    assert book.decide(REPORT).priority == "high"
    monkeypatch.setattr(rules, "_read", hang)
    # One of these starts the reading; none of them waits for it.
    assert {book.decide(REPORT).priority for _ in range(50)} == {"high"}
    assert hanging.wait(5)
    assert book.decide(REPORT).priority == "high"
    released.set()


def test_rules_that_cannot_be_read_keep_no_report_back(
    transactional_db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail() -> object:
        raise DatabaseError("gone")

    monkeypatch.setattr(rules, "_read", fail)
    assert RuleBook().decide(REPORT) == NOTHING


def test_a_warm_up_that_failed_is_made_up_for_by_the_first_decision(
    transactional_db: None, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    Rule.objects.create(name="a rule", priority="high")
    book, read = RuleBook(), rules._read
    failed = threading.Event()

    def too_early() -> Any:
        failed.set()
        raise DatabaseError("no such table")

    monkeypatch.setattr(rules, "_read", too_early)
    book.warm_up()
    assert failed.wait(10)
    eventually(lambda: book._reading is not None and book._reading.done(), "the warm-up ended")
    monkeypatch.setattr(rules, "_read", read)
    assert book.decide(REPORT).priority == "high"
    assert "could not be read" not in caplog.text


def test_a_rule_that_cannot_be_read_leaves_the_others(transactional_db: None) -> None:
    Rule.objects.create(name="written past the form", position=1, priority="urgent")
    Rule.objects.create(name="good", position=2, priority="high")
    assert RuleBook().decide(REPORT).priority == "high"


def test_a_rule_that_says_nothing_is_refused(db: None) -> None:
    with pytest.raises(ValidationError, match="priority"):
        Rule(name="empty", component="billing").full_clean()
