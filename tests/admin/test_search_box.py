"""What is typed into the list's search box."""

import html
import re
from urllib.parse import parse_qs, urlsplit

import pytest
from django.test import Client

from tests.admin.conftest import Tracker
from tests.admin.pages import LIST, text_of, titles


def search(client: Client, typed: str, **others: str) -> dict[str, list[str]]:
    """The parameters of the list that the box leads to."""
    answer = client.get(LIST, {"q": typed, **others}, follow=True)
    assert answer.status_code == 200
    return parse_qs(urlsplit(answer.request["QUERY_STRING"]).path)


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("timeout", {"q": ["timeout"]}),
        ("status:open timeout db", {"status": ["open"], "q": ["timeout db"]}),
        ("status:open,resolved", {"status": ["open", "resolved"]}),
        ("Status:OPEN is:in-progress", {"status": ["open", "in_progress"]}),
        ("tag:db tag:eu label:Slow", {"tag": ["db", "eu", "Slow"]}),
        ('component:"billing" read', {"component": ["billing"], "q": ["read"]}),
        ('context:a=1,2 context:"host=db 1"', {"context": ["a=1,2", "host=db 1"]}),
        ("is:mine", {"assignee": ["root"]}),
        ("assignee:@me is:regressed", {"assignee": ["root"], "is": ["regressed"]}),
        ("assigned:none is:new", {"is": ["unassigned", "new"]}),
        ("reporter:service.billing type:bug", {"reporter": ["service.billing"], "type": ["bug"]}),
        ("ValueError: no such key", {"q": ["ValueError: no such key"]}),
        ("host:7 priority:high", {"q": ["host:7"], "priority": ["high"]}),
    ],
)
def test_tokens_become_filters(admin: Client, typed: str, meant: dict[str, list[str]]) -> None:
    assert search(admin, typed) == meant


def test_tokens_join_the_filters_that_are_set_and_leave_the_page(admin: Client) -> None:
    meant = search(admin, "status:open x", component="api", cursor="abc", status="resolved")
    assert meant == {"component": ["api"], "status": ["resolved", "open"], "q": ["x"]}


def test_a_wrong_token_is_named(admin: Client, tracker: Tracker) -> None:
    tracker.report("Still here")
    for typed in ("status:broken", "is:odd", "context:7"):
        answer = admin.get(LIST, {"q": typed}, follow=True)
        assert "that filter is left out" in text_of(answer.content)
        assert titles(answer.content) == ["Still here"]


def test_the_lists_of_every_day_are_links(admin: Client, tracker: Tracker) -> None:
    tracker.report("Fresh", ago=30)
    tracker.report("Old", ago=200_000)
    content = admin.get(LIST).content.decode()
    address = re.search(r'<a href="([^"]*)">New</a>', content)
    assert address is not None
    listed = admin.get(LIST + html.unescape(address[1]))
    assert titles(listed.content) == ["Fresh"]
    assert re.search(r'aria-current="page">New</a>', listed.content.decode())
