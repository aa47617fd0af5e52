"""``issuetracker watch``: what is new or changed, as it comes."""

import argparse
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from issuetracker.cli.api import ISSUES, PAGE_MOST, Parameters, Tracker
from issuetracker.cli.documents import Summary
from issuetracker.cli.failures import Unreachable
from issuetracker.cli.listing import cells, print_issue, print_json
from issuetracker.cli.queries import moment, parameters
from issuetracker.cli.terminal import Screen, clock, visible

#: Several processes accept changes, each by its own clock, and a change shows once it is stored:
#: each look goes back this far behind the newest change, and what was seen before is left out.
OVERLAP = timedelta(minutes=2)
#: So many issues are remembered to tell what changed; beyond that, those behind the overlap go.
_REMEMBERED = 10_000
_LONGEST_WAIT = 60.0

Document = dict[str, Any]


@dataclass
class _Watch:
    """What was seen so far.

    Attributes:
        begun: what was first seen until then is not new.
        since: the next look goes back to changes of this time.
        seen: the issues as they were seen last, by id.
        new: how many appeared.
        changed: how many changes of others were told.
    """

    tracker: Tracker
    query: Parameters
    begun: datetime
    since: datetime
    seen: dict[str, Summary] = field(default_factory=dict)
    new: int = 0
    changed: int = 0

    def look(self) -> Iterator[tuple[Document, Summary, str]]:
        """What came since the last look, oldest first, each with what happened to it.

        What was not taken before it failed comes again at the next look.
        """
        for page in self.tracker.pages(ISSUES, self._parameters()):
            for document in page.results:
                issue = self.tracker.read(Summary, document)
                before = self.seen.get(issue.id)
                if before is None or before.updated_at != issue.updated_at:
                    yield document, issue, self._happened(before, issue)
                    self._note(issue)
        self._forget()

    def count(self, what: str) -> None:
        """Count what is told."""
        if what == "new":
            self.new += 1
        else:
            self.changed += 1

    def _parameters(self) -> Parameters:
        since = ("since", self.since.isoformat())
        return [*self.query, since, ("order", "updated_at"), ("limit", str(PAGE_MOST))]

    def _note(self, issue: Summary) -> None:
        self.seen[issue.id] = issue
        self.since = max(self.since, issue.updated_at - OVERLAP)

    def _forget(self) -> None:
        if len(self.seen) > _REMEMBERED:
            self.seen = {key: one for key, one in self.seen.items() if one.updated_at >= self.since}

    def _happened(self, before: Summary | None, issue: Summary) -> str:
        if before is None:
            if issue.first_seen > self.begun:
                return "new"
            return "again" if issue.last_seen == issue.updated_at else "changed"
        if issue.count > before.count:
            came_back = "back, " if issue.regressed and not before.regressed else ""
            return f"{came_back}again +{issue.count - before.count}"
        return visible(f"now {issue.status}") if issue.status != before.status else "changed"


def run(tracker: Tracker, screen: Screen, options: argparse.Namespace) -> int:
    """Print what comes until Ctrl-C, then how much it was."""
    now = datetime.now(UTC)
    query = [pair for pair in parameters(options.words, now) if pair[0] not in ("since", "order")]
    started = time.monotonic()
    watch = _begin(tracker, query, options.since, now)
    screen.note(f"Watching {tracker.url}; Ctrl-C ends it.")
    try:
        _follow(watch, screen, options)
    except KeyboardInterrupt:
        minutes, seconds = divmod(round(time.monotonic() - started), 60)
        screen.note(
            f"Watched for {minutes} min {seconds} s: {watch.new} new, {watch.changed} changed."
        )
    return 0


def _begin(tracker: Tracker, query: Parameters, since: str | None, now: datetime) -> _Watch:
    """A watch that knows what there is, or begins with what changed ``since``."""
    if since is not None:
        begun = moment(since, now)
        return _Watch(tracker, query, begun, begun)
    pages = tracker.pages(ISSUES, [*query, ("order", "-updated_at"), ("limit", "1")])
    found = next((document for page in pages for document in page.results), None)
    # By the tracker's clock, which may differ from this one's.
    begun = tracker.read(Summary, found).updated_at if found else now
    watch = _Watch(tracker, query, begun, begun - OVERLAP)
    for _known in watch.look():
        pass
    return watch


def _follow(watch: _Watch, screen: Screen, options: argparse.Namespace) -> None:
    wait, away = options.interval, False
    while True:
        try:
            for document, issue, what in watch.look():
                _print(screen, document, issue, what, as_json=options.json)
                watch.count(what)
        except Unreachable as error:
            wait = min(wait * 2, max(_LONGEST_WAIT, options.interval))
            if not away:
                screen.note(f"{error}\nGoing on once it answers.")
            away = True
        else:
            if away:
                screen.note("The tracker answers again.")
            wait, away = options.interval, False
        time.sleep(wait)


def _print(screen: Screen, document: Document, issue: Summary, what: str, *, as_json: bool) -> None:
    if as_json:
        print_json(screen, document)
    elif screen.is_terminal:
        screen.line(screen.paint(f"{clock(issue.updated_at)}  {what}", "cyan"))
        print_issue(screen, issue)
    else:
        screen.line("\t".join([*cells(issue), what]))
