"""Rules are made and put in order on Django's own pages."""

from django.test import Client

from issuetracker.models import Rule

LIST = "/admin/issuetracker/rule/"
RULE = {"name": "billing", "enabled": "on", "position": "1", "component": "billing-*"}


def test_a_rule_is_made_and_listed(admin: Client) -> None:
    answer = admin.post(f"{LIST}add/", {**RULE, "priority": "high"})
    assert answer.status_code == 302
    rule = Rule.objects.get()
    assert (rule.component, rule.priority, rule.enabled) == ("billing-*", "high", True)
    assert b"billing-*" in admin.get(LIST).content


def test_a_rule_that_says_nothing_is_sent_back(admin: Client) -> None:
    answer = admin.post(f"{LIST}add/", RULE)
    assert answer.status_code == 200
    assert b"Give a priority, an assignee, or both." in answer.content
    assert not Rule.objects.exists()
