"""Reporting and working on issues through the API, in the fewest words."""

from typing import Any

from django.test import Client

ISSUES = "/api/v1/issues"


def report(api: Client, **fields: object) -> str:
    """The bare id of an issue that is reported now."""
    answer = api.post(ISSUES, {"title": "Test Issue", **fields}, content_type="application/json")
    assert answer.status_code in (201, 202), answer.content
    return str(answer.json()["id"]).removeprefix("temp-")


def read(api: Client, issue_id: str) -> dict[str, Any]:
    """What the API shows of an issue."""
    answer = api.get(f"{ISSUES}/{issue_id}")
    assert answer.status_code == 200, answer.content
    return dict(answer.json())


def patch(api: Client, issue_id: str, headers: dict[str, str] | None = None, **fields: Any) -> Any:
    """The answer to an update of an issue."""
    address = f"{ISSUES}/{issue_id}"
    return api.patch(address, fields, content_type="application/json", headers=headers or {})


def update(api: Client, issue_id: str, **fields: Any) -> None:
    """Update an issue, which must succeed."""
    answer = patch(api, issue_id, **fields)
    assert answer.status_code in (200, 202), answer.content


def listed(api: Client, query: str = "") -> set[str]:
    """The ids in a list."""
    return {issue["id"] for issue in api.get(f"{ISSUES}?{query}").json()["results"]}


def history(api: Client, issue_id: str) -> list[dict[str, Any]]:
    """What was set of an issue, oldest first."""
    entries = api.get(f"{ISSUES}/{issue_id}/history").json()["results"]
    return [entry["changes"] for entry in entries]
