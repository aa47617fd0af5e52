"""Where the client finds the tracker's address and its token."""

import types
from collections.abc import Mapping
from typing import Any

import pytest

from issuetracker.client import IssueTrackerClient
from tests.client.conftest import MakeClient
from tests.client.servers import Tracker


class Asked:
    """A configuration that is asked by path, and is no mapping."""

    def __init__(self, values: Mapping[str, str]) -> None:
        self._values = values

    def get(self, key: str, default: str | None = None) -> str | None:
        return self._values.get(key, default)


class Raising:
    """A configuration that cannot be read."""

    def get(self, key: str, /) -> str:
        raise PermissionError(key)


NESTED = {"services": {"issuetracker": {"url": "http://config:1", "token": "from-config"}}}
FLAT = {"services/issuetracker/url": "http://config:1", "services/issuetracker/token": "t"}

CONFIGURATIONS: dict[str, Any] = {
    "nested": NESTED,
    "flat": FLAT,
    "asked": Asked(FLAT),
    "read-only": types.MappingProxyType(FLAT),
}

EMPTY: dict[str, Any] = {
    "none": None,
    "empty": {},
    "no such service": {"services": {}},
    "no mapping where one belongs": {"services": "http://config:1"},
    "an empty address": {"services/issuetracker/url": " "},
    "a number": {"services": {"issuetracker": {"url": 6001}}},
    "raising": Raising(),
    "not a configuration": object(),
}


@pytest.mark.parametrize("config", CONFIGURATIONS.values(), ids=CONFIGURATIONS)
def test_the_argument_comes_first_then_the_configuration(
    config: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ISSUETRACKER_URL", "http://environment:1")
    assert IssueTrackerClient("http://argument:1", config=config).url == "http://argument:1"
    assert IssueTrackerClient(config=config).url == "http://config:1"


@pytest.mark.parametrize("config", EMPTY.values(), ids=EMPTY)
def test_then_the_environment_then_the_default(
    config: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert IssueTrackerClient(config=config).url == "http://issuetracker:6001"
    monkeypatch.setenv("ISSUETRACKER_URL", "")
    assert IssueTrackerClient(config=config).url == "http://issuetracker:6001"
    monkeypatch.setenv("ISSUETRACKER_URL", "http://environment:1")
    assert IssueTrackerClient(config=config).url == "http://environment:1"


def test_an_address_without_a_scheme_is_http(tracker: Tracker, make_client: MakeClient) -> None:
    assert make_client(tracker.url.removeprefix("http://")).log_issue("x") is not None


def test_an_address_may_have_a_path(tracker: Tracker, make_client: MakeClient) -> None:
    make_client(f"{tracker.url}/tracker/").log_issue("x")
    assert tracker.received[0].path == "/tracker/api/v1/issues"


def test_the_token_is_looked_up_in_the_same_order(
    tracker: Tracker, make_client: MakeClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ISSUETRACKER_TOKEN", "from-environment")
    make_client(tracker.url, token="from-argument", config=NESTED).log_issue("x")
    make_client(tracker.url, config=NESTED).log_issue("x")
    make_client(tracker.url).log_issue("x")
    sent = [request.headers["Authorization"] for request in tracker.received]
    assert sent == ["Bearer from-argument", "Bearer from-config", "Bearer from-environment"]


@pytest.mark.parametrize("token", ["a\r\nX-Admin: yes", "naïve", "a\x00b"])
def test_a_token_that_cannot_be_one_is_not_sent(
    tracker: Tracker, make_client: MakeClient, token: str, caplog: pytest.LogCaptureFixture
) -> None:
    assert make_client(tracker.url, token=token).log_issue("x") is not None
    assert "Authorization" not in tracker.received[0].headers
    assert "X-Admin" not in tracker.received[0].headers
    assert token not in caplog.text
