"""Addresses of the admin site, and what is on a page."""

import html
import re
import uuid
from html.parser import HTMLParser

from django.test import Client

LIST = "/admin/issuetracker/issue/"


def page_of(issue_id: str) -> str:
    """The address of an issue's page."""
    return f"{LIST}{issue_id}/"


def text_of(content: bytes) -> str:
    """What a page says, without its tags, spaces collapsed."""
    return re.sub(r"\s+", " ", html.unescape(re.sub(r"<[^>]*>", " ", content.decode())))


class Tags(HTMLParser):
    """The tags of a page with their attributes, as a browser would read them."""

    def __init__(self, content: bytes) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str]]] = []
        self.feed(content.decode())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Keep it."""
        self.found.append((tag, {name: value or "" for name, value in attrs}))


def titles(content: bytes) -> list[str]:
    """The titles in the list, from top to bottom."""
    found = re.findall(r'<a class="title"[^>]*>([^<]*)</a>', content.decode())
    return [html.unescape(title) for title in found]


def form_id() -> str:
    """What a page gives each of its forms."""
    return str(uuid.uuid4())


def send(client: Client, issue_id: str, **form: str) -> str:
    """What the issue page says after it has sent a form of its own."""
    answer = client.post(
        f"{page_of(issue_id)}update/", {"event_id": form_id(), **form}, follow=True
    )
    content: bytes = answer.content
    said = re.findall(r'<li class="(?:success|error)">(.*?)</li>', content.decode(), re.DOTALL)
    return html.unescape(" ".join(said))
