"""What rules say of a report: decided once, when it is accepted, and carried in its change.

A report never waits for the database: rules are held in memory and read again in the background.
Only until a process has read them once does a report wait, and then shortly.
"""

import logging
import re
import threading
import time
from collections.abc import Iterable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from fnmatch import translate
from typing import NamedTuple

import msgspec
from django.db import Error as DjangoDatabaseError
from django.db.models.signals import post_delete, post_save
from django.dispatch import receiver

from issuetracker.bounded import NoAnswer, answer_of, begin
from issuetracker.messages import Priority, Report, UserName
from issuetracker.models import Rule
from issuetracker.processes import PerProcess

logger = logging.getLogger(__name__)

#: A rule that was changed is heeded everywhere after this many seconds.
REFRESH_SECONDS = 10.0
#: Seconds that a report waits for a process's first reading of the rules.
WAIT_SECONDS = 0.3


class Decision(NamedTuple):
    """What the first rule that matches says; UNSET where it says nothing.

    Attributes:
        priority: of the issue.
        assignee: who works on it.
    """

    priority: Priority | msgspec.UnsetType = msgspec.UNSET
    assignee: str | msgspec.UnsetType = msgspec.UNSET


NOTHING = Decision()


@dataclass(frozen=True, slots=True)
class _Compiled:
    component: re.Pattern[str] | None
    exception_type: re.Pattern[str] | None
    title_prefix: str
    tag: str
    decision: Decision

    def matches(self, report: Report) -> bool:
        # The cheap questions come first.
        if self.title_prefix and not report.title.startswith(self.title_prefix):
            return False
        if self.tag and self.tag not in report.tags:
            return False
        if self.component is not None and not self.component.match(report.component):
            return False
        if self.exception_type is None:
            return True
        raised = report.exception[0].type if report.exception else ""
        return self.exception_type.match(raised) is not None


def compiled(rules: Iterable[Rule]) -> tuple[_Compiled, ...]:
    """``rules``, in their order, ready to be matched."""
    found: list[_Compiled] = []
    for rule in rules:
        try:
            found.append(_compiled(rule))
        except msgspec.ValidationError as error:
            # Written past the form; the messages that it went into would not be readable.
            logger.warning("The rule %s is not used: %s", rule.pk, error)
    return tuple(found)


def decide_by(rules: Sequence[_Compiled], report: Report) -> Decision:
    """What the first of ``rules`` that matches ``report`` says of it."""
    for rule in rules:
        if rule.matches(report):
            return rule.decision
    return NOTHING


class RuleBook:
    """The rules in memory, read again in the background. Safe to use from several threads."""

    def __init__(self) -> None:
        self._rules: tuple[_Compiled, ...] = ()
        self._lock = threading.Lock()
        self._reading: Future[tuple[_Compiled, ...]] | None = None
        self._is_read = False
        self._due = 0.0

    def decide(self, report: Report) -> Decision:
        """What the rules say of ``report``."""
        if time.monotonic() >= self._due:
            self._refresh()
        return decide_by(self._rules, report) if self._rules else NOTHING

    def warm_up(self) -> None:
        """Begin to read the rules."""
        with self._lock:
            if self._reading is None:
                self._reading = begin(_read)

    def forget(self) -> None:
        """Read the rules before the next decision: they were changed in this process."""
        with self._lock:
            self._reading = None
            self._is_read = False
            self._due = 0.0

    def _refresh(self) -> None:
        # While one report sees to it, the others go by the rules that there are, if any were read.
        if not self._lock.acquire(blocking=not self._is_read):
            return
        try:
            if time.monotonic() < self._due:
                return
            if self._reading is None or self._was_too_early(self._reading):
                self._reading = begin(_read)
            if not self._is_read or self._reading.done():
                self._take(self._reading)
        finally:
            self._lock.release()

    def _was_too_early(self, reading: Future[tuple[_Compiled, ...]]) -> bool:
        # A process that starts beside the first `migrate` warms up before there is a table.
        return not self._is_read and reading.done() and reading.exception() is not None

    def _take(self, reading: Future[tuple[_Compiled, ...]]) -> None:
        self._reading = None
        self._due = time.monotonic() + REFRESH_SECONDS
        try:
            self._rules = answer_of(reading, "reading the rules", WAIT_SECONDS)
            self._is_read = True
        except (DjangoDatabaseError, NoAnswer) as error:
            logger.warning("The rules could not be read, the former ones hold: %s", error)


def _read() -> tuple[_Compiled, ...]:
    return compiled(Rule.objects.filter(enabled=True))


def _compiled(rule: Rule) -> _Compiled:
    decision = Decision(
        msgspec.convert(rule.priority, Priority) if rule.priority else msgspec.UNSET,
        msgspec.convert(rule.assignee, UserName) if rule.assignee else msgspec.UNSET,
    )
    return _Compiled(
        component=_pattern(rule.component),
        exception_type=_pattern(rule.exception_type),
        title_prefix=rule.title_prefix,
        tag=rule.tag,
        decision=decision,
    )


def _pattern(glob: str) -> re.Pattern[str] | None:
    return re.compile(translate(glob)) if glob else None


_books = PerProcess(RuleBook)


def warm_up() -> None:
    """Begin to read the rules, in the background."""
    _books.get().warm_up()


def decide(report: Report) -> Decision:
    """What this process's rules say of ``report``."""
    return _books.get().decide(report)


@receiver([post_save, post_delete], sender=Rule)
def _forget(**_: object) -> None:
    _books.get().forget()
