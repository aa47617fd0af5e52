"""How long people wait for a page when there is much: a year's issues in each kind of store.

Every time is of a page of the admin site, from the real web process, one call after the other. The
Firestore emulator has no indexes and looks at every document of a collection: its times say only
that the pages come at all. Firestore itself reads what `firestore.indexes.json` leads it to.
"""

import time
from collections.abc import Iterator, Mapping

import requests

from benchmarks import population
from benchmarks.bench import Bench
from benchmarks.figures import Figure, Goal, Samples, percentile
from benchmarks.serving import Server
from deploy.services import PARTS
from issuetracker.issues import IssueQuery
from issuetracker.providers.base import StoreProvider
from issuetracker.providers.firebase import FirebaseHelperProvider
from issuetracker.reading import CIRCUIT_SECONDS, STORE_SECONDS
from tests.stores import database_store, sqlite_url
from tests.system import System

#: What a page without an answer counts as, in milliseconds: as long as the store had.
NO_ANSWER = STORE_SECONDS * 1e3

EMBEDDED, HOSTED, EMULATED = 100_000, 1_000_000, 100_000
#: Written through the store's own path; the rest are copies.
WRITTEN = 10_000

_LIST = "/admin/issuetracker/issue/"
#: Of each page in each repetition; the emulator takes seconds for one.
_CALLS, _SLOW_CALLS = 10, 2
_PAGE = 50
_PASSWORD = "correct-horse-battery"
_BEHIND_TLS = {"X-Forwarded-Proto": "https"}
_GOAL = Goal("value", "at most", 200)

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
        yield from _pages(bench, variables, store, f"SQLite, {count:,}", _GOAL)


def hosted(bench: Bench, count: int) -> Iterator[Figure]:
    """Over PostgreSQL, as those have it who host it themselves."""
    variables = PARTS["postgres"].environment(bench.services.start("postgres"))
    try:
        with database_store(variables["DATABASE_URL"]) as store:
            population.settle(store, WRITTEN)
            population.multiply(store.using, count // WRITTEN)
            variables["ISSUETRACKER_STORE"] = "database"
            yield from _pages(bench, variables, store, f"PostgreSQL, {count:,}", _GOAL)
    finally:
        bench.services.kill("postgres")


def emulated(bench: Bench, count: int) -> Iterator[Figure]:
    """Over the Firestore emulator, which has no indexes: no goal."""
    project = "size"
    store = FirebaseHelperProvider(
        project,
        bench.folder / "none",
        bench.system.environment["FIRESTORE_EMULATOR_HOST"],
    )
    population.settle(store, count)
    yield from _pages(bench, {"GOOGLE_CLOUD_PROJECT": project}, store, f"emulator, {count:,}", None)


def _pages(
    bench: Bench, variables: Mapping[str, str], store: StoreProvider, where: str, goal: Goal | None
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
    with bench.web(variables) as web, bench.bare() as bare:
        person = _Person(web)
        for name, address in addresses.items():
            yield _figure(bench, person, bare, f"{where}: {name}", address, goal)


def _far(store: StoreProvider) -> tuple[str, str]:
    """An issue, and where page 100 begins."""
    cursor: str | None = None
    read = 0
    while read < 99 * _PAGE:
        page = store.list_issues(IssueQuery(), limit=99, cursor=cursor)
        read, cursor = read + len(page.items), page.cursor
        if cursor is None:
            raise AssertionError("the list has no hundred pages")
    return page.items[0].id, cursor or ""


def _figure(
    bench: Bench, person: "_Person", bare: Server, name: str, address: str, goal: Goal | None
) -> Figure:
    person.ask(address)  # once, so that every worker has been asked something before
    calls, times = range(_CALLS if goal else _SLOW_CALLS), range(bench.repetitions)
    ours = [[person.ask(address) for _ in calls] for _ in times]
    others = [[_milliseconds(bare.url("/read")) for _ in calls] for _ in times]
    every = [one for some in ours for one in some]
    in_vain = sum(one == NO_ANSWER for one in every)
    return Figure(
        name,
        "ms",
        Samples(percentile(some, 0.5) for some in ours),
        "a GET of a bare view",
        Samples(percentile(some, 0.5) for some in others),
        goal,
        f"p95 of {len(every)} calls {percentile(every, 0.95):.0f} ms"
        + (f"; {in_vain} times the store took longer than a page waits" if in_vain else ""),
    )


def _milliseconds(url: str) -> float:
    began = time.perf_counter()
    requests.get(url, timeout=10)
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
        """Milliseconds until the whole page is there; `NO_ANSWER` where the store took too long."""
        began = time.perf_counter()
        answer = self._session.get(self._web.url(path), timeout=120, allow_redirects=False)
        taken = (time.perf_counter() - began) * 1e3
        if answer.status_code not in {200, 503}:
            raise AssertionError(f"{path}: {answer.status_code}\n{answer.text[:2000]}")
        if "The store does not answer" in answer.text or answer.status_code == 503:
            time.sleep(CIRCUIT_SECONDS)
            return NO_ANSWER
        return taken

    def _unlocked_cookies(self) -> Mapping[str, str]:
        """The cookies, to be sent although this goes without TLS."""
        for cookie in self._session.cookies:
            cookie.secure = False
        return self._session.cookies.get_dict()
