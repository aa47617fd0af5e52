"""What the forms of the issue page ask for, as an update like any other, and in words."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec
from django.utils.dateparse import parse_datetime

from issuetracker.messages import IssueUpdate, NewMute, bare_id

#: What an issue can be muted for by one press, by the button's value.
MUTES = {
    "1h": ("1 hour", timedelta(hours=1)),
    "1d": ("1 day", timedelta(days=1)),
    "7d": ("1 week", timedelta(days=7)),
}


class WrongForm(ValueError):
    """A form says something that cannot be done; the message tells the person what."""


def read_update(form: Mapping[str, str], now: datetime) -> IssueUpdate:
    """The update that a form asks for.

    Args:
        form: any of ``status``, ``priority``, ``assignee`` (empty: nobody), ``mute_for`` (of
            :data:`MUTES`), ``mute_until`` (UTC), ``mute_events``, ``unmute``, ``merged_into``
            (an id, or the address of the issue's page), ``unmerge``, and ``add_tags`` and
            ``remove_tags`` (words); the rest is left out.
        now: from which ``mute_for`` counts.

    Raises:
        WrongForm: it asks for nothing, or for what can never be.
    """
    fields: dict[str, Any] = {
        name: form[name].strip() or None
        for name in ("status", "priority", "assignee")
        if name in form
    }
    fields |= _read_mute(form, now) | _read_merge(form) | _read_tags(form)
    if not fields:
        raise WrongForm("The form did not say what to change.")
    try:
        return msgspec.convert(fields, IssueUpdate)
    except msgspec.ValidationError as error:
        raise WrongForm(f"That cannot be set: {error}") from error


def in_words(update: IssueUpdate) -> str:
    """What ``update`` has done, as a sentence."""
    said = [
        f"{name} set to {(value or 'nobody').replace('_', ' ')}"
        for name in ("status", "priority", "assignee")
        if (value := getattr(update, name)) is not msgspec.UNSET
    ]
    for done, tags in (("added", update.add_tags), ("removed", update.remove_tags)):
        if isinstance(tags, list):
            said.append(f"tag{'s' * (len(tags) > 1)} {', '.join(tags)} {done}")
    if isinstance(update.mute, NewMute):
        said.append(_mute_in_words(update.mute))
    elif update.mute is None:
        said.append("not muted any more")
    if isinstance(update.merged_into, str):
        said.append(f"merged into {bare_id(update.merged_into)}")
    elif update.merged_into is None:
        said.append("stands by itself again")
    sentence = ", ".join(said)
    return f"{sentence[:1].upper()}{sentence[1:]}."


def _read_mute(form: Mapping[str, str], now: datetime) -> dict[str, Any]:
    if "unmute" in form:
        return {"mute": None}
    if form.get("mute_for") in MUTES:
        return {"mute": {"until": now + MUTES[form["mute_for"]][1]}}
    if "mute_until" in form:
        return {"mute": {"until": _moment(form["mute_until"])}}
    if "mute_events" in form:
        return {"mute": {"events": _number(form["mute_events"])}}
    return {}


def _read_merge(form: Mapping[str, str]) -> dict[str, Any]:
    if "unmerge" in form:
        return {"merged_into": None}
    if "merged_into" not in form:
        return {}
    # People paste what stands in the address bar.
    last = form["merged_into"].strip().rstrip("/").rpartition("/")[2]
    try:
        return {"merged_into": str(UUID(bare_id(last)))}
    except ValueError as error:
        raise WrongForm("Write the id of the other issue, or the address of its page.") from error


def _read_tags(form: Mapping[str, str]) -> dict[str, Any]:
    return {name: tags_in(form[name]) for name in ("add_tags", "remove_tags") if name in form}


def tags_in(written: str) -> list[str]:
    """The tags in what somebody wrote, each once: they are divided by spaces or commas."""
    return list(dict.fromkeys(written.replace(",", " ").split()))


def _moment(text: str) -> datetime:
    try:
        moment = parse_datetime(text)
    except ValueError:
        moment = None
    if moment is None:
        raise WrongForm("Write until when it is to be muted, such as 2031-05-23T18:00.")
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _number(text: str) -> int:
    try:
        return int(text)
    except ValueError as error:
        raise WrongForm("Write how many more events it is to be muted for.") from error


def _mute_in_words(mute: NewMute) -> str:
    if mute.until is not None:
        return f"muted until {mute.until.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
    return f"muted for {mute.events} more event{'' if mute.events == 1 else 's'}"
