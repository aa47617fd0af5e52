"""The list of issues as a file, from its page."""

import csv
from typing import Any

from django.test import Client

from issuetracker.api import exporting
from tests.admin.conftest import Tracker
from tests.admin.pages import LIST, Tags


def links(client: Client, query: str) -> list[str]:
    tags = Tags(client.get(f"{LIST}?{query}").content)
    return [
        attrs["href"] for tag, attrs in tags.found if attrs.get("href", "").startswith("export")
    ]


def rows(answer: Any) -> list[dict[str, str]]:
    content: str = answer.getvalue().decode()
    answer.close()
    return list(csv.DictReader(content.splitlines()))


def test_the_links_keep_the_filters_of_the_list(reader: Client, tracker: Tracker) -> None:
    tracker.report("Wanted", component="billing", tags=["db"])
    tracker.report("Other", component="billing")
    as_csv, as_json = links(reader, "component=billing&tag=db")
    assert [row["title"] for row in rows(reader.get(LIST + as_csv))] == ["Wanted"]
    answer = reader.get(LIST + as_json)
    assert answer["Content-Disposition"].endswith('.jsonl"')
    assert answer.getvalue().count(b"\n") == 1
    answer.close()


def test_the_order_of_the_list_is_kept_and_else_one_that_leaves_nothing_out(
    reader: Client, tracker: Tracker
) -> None:
    tracker.report("Older", ago=500)
    tracker.report("Newer", ago=100)
    found = {
        query: [row["title"] for row in rows(reader.get(f"{LIST}export/?format=csv&{query}"))]
        for query in ("", "order=-updated_at")
    }
    assert found == {"": ["Older", "Newer"], "order=-updated_at": ["Newer", "Older"]}


def test_a_wrong_filter_leads_back_to_the_list_that_names_it(
    reader: Client, tracker: Tracker
) -> None:
    answer = reader.get(f"{LIST}export/?format=csv&status=broken", follow=True)
    assert "“broken” is no status" in answer.content.decode()
    assert reader.get(f"{LIST}export/?format=xml").status_code == 404


def test_whoever_may_not_see_issues_gets_no_file(client: Client, tracker: Tracker) -> None:
    answer = client.get(f"{LIST}export/?format=csv")
    assert answer.status_code == 302
    assert answer["Location"].startswith("/admin/login/")


def test_too_many_at_once_are_told_on_the_list(reader: Client, tracker: Tracker) -> None:
    written = [reader.get(f"{LIST}export/?format=csv") for _ in range(exporting.AT_ONCE)]
    answer = reader.get(f"{LIST}export/?format=csv", follow=True)
    assert "exports are being written" in answer.content.decode()
    for each in written:
        each.close()
