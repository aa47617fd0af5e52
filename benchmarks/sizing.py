"""How long people wait for a page when there is much: a year's issues in each kind of store.

Over the databases every time is of a page of the admin site, from the real web process, one call
after the other. The Firestore emulator has no indexes and looks at every issue for each question,
for longer than a page waits; what is measured there is its own answers. Firestore itself reads
what `firestore.indexes.json` leads it to, and no more.
"""

import shutil
import time
from collections.abc import Callable, Iterator, Mapping
from functools import partial

import requests
from django.http import QueryDict
from django.utils import timezone

from benchmarks import population
from benchmarks.bench import Bench
from benchmarks.figures import Figure, Goal, Samples, percentile
from benchmarks.serving import Server
from deploy.services import PARTS
from issuetracker.admin.filters import read_filters
from issuetracker.issues import IssueQuery
from issuetracker.providers import firestore_channel
from issuetracker.providers.base import StoreProvider
from issuetracker.providers.firebase import FirebaseHelperProvider
from tests.stores import database_store, sqlite_url
from tests.system import System

EMBEDDED, HOSTED, EMULATED = 100_000, 1_000_000, 100_000
#: Written through the store's own path; the rest are copies.
WRITTEN = 10_000

_LIST = "/admin/issuetracker/issue/"
#: Of each page in each repetition.
_CALLS = 10
_PAGE = 50
_PASSWORD = "correct-horse-battery"
_BEHIND_TLS = {"X-Forwarded-Proto": "https"}
#: Milliseconds.
_GOAL = 200

#: What people ask a list for; how much of all there is matches is in brackets where it matters.
QUESTIONS = {
    "list": "",
    "status:open (6%)": "?status=open",
    "status:resolved (84%)": "?status=resolved",
    "priority:critical (1%)": "?priority=critical",
    "type:security (1%)": "?type=security",
    "component (2.5%)": "?component=billing-api",
    "reporter (ten issues)": f"?reporter={population.RARE_SERVICE}",
    "assignee (2.5%)": "?assignee=dora",
    "is:unassigned (80%)": "?is=unassigned",
    "is:regressed (2%)": "?is=regressed",
    "is:new": "?is=new",
    "within:24h": "?within=24h",
    "until half a year ago": "?until=2026-05-26T00:00:00Z",
    "order by count": "?order=-count",
    "tag (40%)": "?tag=eu",
    "tag (0.5%)": "?tag=canary",
    "tag (ten issues)": f"?tag={population.RARE_TAG}",
    "tags that few have together": "?tag=canary&tag=nightly",
    "word (ten issues)": f"?q={population.RARE_WORD}",
    "word (12%)": "?q=timeout",
    "word nobody wrote": "?q=zeppelin",
    "common words that no issue has both of": "?q=timeout+deadlock",
    "tag, word, status, component": "?status=open&component=ledger-sync&tag=db&q=timeout",
    "word, priority, assignee": "?q=timeout&priority=critical&assignee=dora",
    "type, priority, status": "?type=security&priority=critical&status=in_progress",
}


def size(bench: Bench) -> Iterator[Figure]:
    """Pages over PostgreSQL, the Firestore emulator and SQLite."""
    yield from hosted(bench, HOSTED)
    yield from emulated(bench, EMULATED)
    yield from embedded(bench, EMBEDDED)


def embedded(bench: Bench, count: int) -> Iterator[Figure]:
    """Over SQLite, as `make run` has it."""
    folder = bench.folder / "size"
    folder.mkdir()
    variables = {"ISSUETRACKER_STORE": "database", "DATABASE_URL": sqlite_url(folder)}
    with database_store(variables["DATABASE_URL"]) as store:
        population.settle(store, count)
        yield from _pages(bench, variables, store, f"SQLite, {count:,}")


def hosted(bench: Bench, count: int) -> Iterator[Figure]:
    """Over PostgreSQL, as those have it who host it themselves."""
    part = bench.services.start("postgres")
    variables = PARTS["postgres"].environment(part)
    try:
        with database_store(variables["DATABASE_URL"]) as store:
            population.settle(store, WRITTEN)
            population.multiply(store.using, count // WRITTEN)
            variables["ISSUETRACKER_STORE"] = "database"
            yield from _pages(bench, variables, store, f"PostgreSQL, {count:,}")
    finally:
        bench.services.kill("postgres")
        shutil.rmtree(part.data)  # gigabytes, and not always in the run's own folder


def emulated(bench: Bench, count: int) -> Iterator[Figure]:
    """The Firestore emulator's own answers, for as long as they take: no goal.

    Not by tags or words: the first of those ends its stream without an answer.
    """
    emulator = bench.system.environment["FIRESTORE_EMULATOR_HOST"]
    store = FirebaseHelperProvider("size", bench.folder / "none", emulator)
    # A page would have given up after three seconds.
    firestore_channel.READ_SECONDS = firestore_channel.WRITE_SECONDS = 300
    population.settle(store, count)
    issue, cursor = _far(store)
    queries = {name: _query(address) for name, address in QUESTIONS.items()}
    asked: dict[str, Callable[[], object]] = {
        name: partial(store.list_issues, query, limit=_PAGE, cursor=None)
        for name, query in queries.items()
        if not query.tags and not query.text
    }
    asked["page 100"] = partial(store.list_issues, IssueQuery(), limit=_PAGE, cursor=cursor)
    asked["issue"] = partial(store.get, issue)
    with bench.bare() as bare:
        for name, ask in asked.items():
            yield _figure(
                f"emulator, {count:,}: {name}",
                [[_milliseconds(ask)] for _ in range(bench.repetitions)],
                [[_bare(bare)] for _ in range(bench.repetitions)],
                None,
            )


def _query(address: str) -> IssueQuery:
    return read_filters(QueryDict(address.removeprefix("?")), timezone.now()).query


def _pages(
    bench: Bench, variables: Mapping[str, str], store: StoreProvider, where: str
) -> Iterator[Figure]:
    variables = {**variables, "DJANGO_SUPERUSER_PASSWORD": _PASSWORD}
    system = System(bench.folder, {**bench.system.environment, **variables})
    for command in (
        ("migrate", "--verbosity", "0"),
        ("collectstatic", "--noinput", "--verbosity", "0"),
        ("createsuperuser", "--noinput", "--username", "bench", "--email", ""),
    ):
        system.manage(*command)
    issue, cursor = _far(store)
    addresses = {name: _LIST + query for name, query in QUESTIONS.items()}
    addresses["page 100"] = f"{_LIST}?cursor={cursor}"
    addresses["issue page"] = f"{_LIST}{issue}/"
    addresses["overview"] = f"{_LIST}overview/"
    times, calls = range(bench.repetitions), range(_CALLS)
    with bench.web(variables) as web, bench.bare() as bare:
        person = _Person(web)
        for name, address in addresses.items():
            person.ask(address)  # once, so that what is asked for has been asked for before
            ours = [[person.ask(address) for _ in calls] for _ in times]
            others = [[_bare(bare) for _ in calls] for _ in times]
            yield _figure(f"{where}: {name}", ours, others, Goal("value", "at most", _GOAL))


def _far(store: StoreProvider) -> tuple[str, str]:
    """An issue, and where page 100 begins."""
    page = store.list_issues(IssueQuery(), limit=99 * _PAGE, cursor=None)
    if page.cursor is None:
        raise AssertionError("the list has no hundred pages")
    return page.items[0].id, page.cursor


def _figure(
    name: str, ours: list[list[float]], others: list[list[float]], goal: Goal | None
) -> Figure:
    every = [one for calls in ours for one in calls]
    return Figure(
        name,
        "ms",
        Samples(percentile(calls, 0.5) for calls in ours),
        "a GET of a bare view",
        Samples(percentile(calls, 0.5) for calls in others),
        goal,
        f"p95 of {len(every)} calls {percentile(every, 0.95):.0f} ms",
    )


def _bare(bare: Server) -> float:
    return _milliseconds(partial(requests.get, bare.url("/read"), timeout=10))


def _milliseconds(ask: Callable[[], object]) -> float:
    began = time.perf_counter()
    ask()
    return (time.perf_counter() - began) * 1e3


class _Person:
    """Somebody who has logged in to the admin site."""

    def __init__(self, web: Server) -> None:
        self._web = web
        self._session = requests.Session()
        self._session.headers.update({**_BEHIND_TLS, "Referer": web.url("/").replace("p:", "ps:")})
        login = web.url("/admin/login/")
        self._session.get(login, timeout=10)
        token = self._unlocked_cookies()["csrftoken"]
        form = {"username": "bench", "password": _PASSWORD, "csrfmiddlewaretoken": token}
        self._session.post(login, form, timeout=10, allow_redirects=False)
        self._unlocked_cookies()

    def ask(self, path: str) -> float:
        """Milliseconds until the whole page is there."""
        answers: list[requests.Response] = []
        taken = _milliseconds(lambda: answers.append(self._get(path)))
        text = answers[0].text
        if answers[0].status_code != 200 or "The store does not answer" in text:
            raise AssertionError(f"{path}: {answers[0].status_code}\n{text[:2000]}")
        return taken

    def _get(self, path: str) -> requests.Response:
        return self._session.get(self._web.url(path), timeout=120, allow_redirects=False)

    def _unlocked_cookies(self) -> Mapping[str, str]:
        """The cookies, to be sent although this goes without TLS."""
        for cookie in self._session.cookies:
            cookie.secure = False
        return self._session.cookies.get_dict()
