"""Whatever services and people write, the admin's pages only ever show it."""

import uuid
from datetime import UTC, datetime

import pytest
from django.test import Client

from issuetracker.admin.markdown import render_markdown
from issuetracker.messages import Commented, Frame, RaisedException
from settings.middleware import CONTENT_SECURITY_POLICY
from tests.admin.conftest import Tracker
from tests.admin.pages import LIST, Tags, page_of
from workflow.models import Run, Step

ATTACK = "\"'><script>alert(1)</script><img src=x onerror=alert(1)>{{ 7|add:7 }}"


def attacked(tracker: Tracker) -> str:
    frame = Frame(
        file=ATTACK,
        line=3,
        function=ATTACK,
        code=ATTACK,
        before=[ATTACK],
        after=[ATTACK],
        variables={ATTACK: ATTACK},
    )
    for ago in (900, 60):
        issue_id = tracker.report(
            ATTACK,
            ago=ago,
            description=ATTACK,
            fingerprint=ATTACK,
            exception=[RaisedException(type=ATTACK, message=ATTACK, frames=[frame])] * 2,
            context={ATTACK: ATTACK, "run_id": ATTACK, "deep": {ATTACK: [ATTACK]}},
        )
    tracker.apply(
        Commented(
            issue_id=issue_id,
            event_id=str(uuid.uuid4()),
            time=datetime.now(UTC),
            actor="anna",
            body=ATTACK,
        )
    )
    return issue_id


def attacked_run(issue_id: str) -> Run:
    run = Run.objects.create(
        workflow=ATTACK,
        status="failed",
        payload={ATTACK: ATTACK},
        issue_id=issue_id,
        error_type=ATTACK,
        error_message=ATTACK,
        error_trace=ATTACK,
    )
    Step.objects.create(run=run, index=0, name=ATTACK, status="succeeded", result={ATTACK: ATTACK})
    Step.objects.create(
        run=run, index=1, name="b", status="failed", error_type=ATTACK, error_message=ATTACK
    )
    return run


def addresses(tracker: Tracker) -> list[str]:
    issue_id = attacked(tracker)
    run = attacked_run(issue_id)
    written = f"q={ATTACK[:50]}&component={ATTACK}&tag={ATTACK}&since={ATTACK}&status={ATTACK}"
    return [
        LIST,
        f"{LIST}?{written}&cursor={ATTACK}",
        f"{LIST}?{written}",
        page_of(issue_id),
        f"{page_of(issue_id)}delete/",
        page_of("<script>alert(1)<script>"),
        "/admin/workflow/run/",
        f"/admin/workflow/run/{run.pk}/change/",
        "/admin/",
        "/admin/login/?next=/",
    ]


def test_markup_in_any_field_is_shown_as_text(admin: Client, tracker: Tracker) -> None:
    for address in addresses(tracker):
        answer = admin.get(address, follow=True)
        for tag, attributes in Tags(answer.content).found:
            assert attributes.get("src") != "x", address
            assert tag != "script" or attributes["src"].startswith("/static/"), address
        assert b"<script>alert" not in answer.content, address
        assert b"gt;14" not in answer.content, address


def test_pages_carry_no_inline_script_style_or_outside_address(
    admin: Client, tracker: Tracker
) -> None:
    for address in addresses(tracker):
        tags = Tags(admin.get(address, follow=True).content).found
        assert len(tags) > 20, address
        for tag, attributes in tags:
            assert tag != "style", address
            assert "style" not in attributes, address
            assert not any(name.startswith("on") for name in attributes), address
            for name in ("src", "href", "action", "data-address"):
                assert "//" not in attributes.get(name, ""), address


@pytest.mark.parametrize(
    "address", ["/admin/login/", "/admin/", LIST, "/api/v1/issues", "/nowhere", "/api/v1/nowhere"]
)
def test_every_answer_carries_the_content_security_policy(
    admin: Client, tracker: Tracker, address: str
) -> None:
    assert admin.get(address)["Content-Security-Policy"] == CONTENT_SECURITY_POLICY
    assert "default-src 'none'; script-src 'self'; style-src 'self'" in CONTENT_SECURITY_POLICY


@pytest.mark.parametrize(
    "body",
    [
        "[x](javascript:alert(1))",
        "[x](JavaScript&#58;alert(1))",
        "[x](\tjavascript:alert(1))",
        "[x](data:text/html;base64,PHNjcmlwdD4=)",
        "[x](vbscript:msgbox(1))",
        "[x](//elsewhere.example)",
        "[x](/admin/logout/)",
        "<javascript:alert(1)>",
        "[x]: javascript:alert(1)\n\n[x]",
        "<img src=x onerror=alert(1)>",
        "<a href=javascript:alert(1) onclick=alert(1)>x</a>",
        '[x](https://a.example "" onmouseover=alert(1) "")',
        '```"onload=alert(1)\nx\n```',
        "![x](https://elsewhere.example/pixel.png)",
    ],
)
def test_markdown_makes_no_markup_but_its_own(body: str) -> None:
    for tag, attributes in Tags(render_markdown(body).encode()).found:
        assert tag in {"p", "a", "pre", "code", "br"}
        assert set(attributes) <= {"href", "title", "class"}
        assert attributes.get("href", "https://").startswith("https://")
