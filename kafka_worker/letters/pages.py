"""What the admin's pages of dead letters show, and how their forms are read."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.contrib.admin.utils import quote
from django.http import QueryDict
from django.urls import reverse
from django.utils import timezone

from kafka_worker.letters.box import LetterBox, refusal
from kafka_worker.letters.choosing import Filters, moment, page_of
from kafka_worker.letters.form import Content, Letter
from kafka_worker.letters.showing import facts, pretty, printable, short

_PAGE = 50
_ID_PARTS = 4


@dataclass(frozen=True, slots=True)
class Row:
    """A letter in a list, fit to be shown."""

    id: str
    address: str
    time: datetime
    position: str
    reason: str
    error: str
    attempts: int
    replays: int
    held_back: str


@dataclass(frozen=True, slots=True)
class Form:
    """The filters as they were written.

    Attributes:
        filters: what they mean.
        wrong: a sentence for each that means nothing.
        given: the parameters, without the cursor.
        before: the cursor.
    """

    filters: Filters
    wrong: list[str]
    given: dict[str, str]
    before: str

    @property
    def is_active(self) -> bool:
        """Whether anything is filtered."""
        return any(value for name, value in self.given.items() if name != "handler")


def read_form(given: QueryDict) -> Form:
    """The filters in the parameters of a list's address; what is wrong in them is left out."""
    names = ("handler", "reason", "since", "until", "partition")
    written = {name: given.get(name, "").strip() for name in names}
    read: dict[str, Any] = {"reason": written["reason"]}
    wrong: list[str] = []
    for name in ("since", "until"):
        if written[name]:
            try:
                read[name] = moment(written[name], timezone.now())
            except ValueError as error:
                wrong.append(f"{name.capitalize()}: {error}.")
    if written["partition"].isdecimal():
        read["partition"] = int(written["partition"])
    elif written["partition"]:
        wrong.append(f"Partition: {written['partition']!r} is no number.")
    return Form(Filters(**read), wrong, written, given.get("before", ""))


def list_context(box: LetterBox, form: Form) -> dict[str, Any]:
    """What the list's template needs.

    Raises:
        Unavailable: the broker does not answer, or not to the end in time.
        ConfigurationError: the broker refuses.
    """
    found = box.find()
    letters = form.filters.take(found.letters)
    page, cursor = page_of(letters, _PAGE, form.before)
    return {
        "box": box,
        "rows": rows_of(box.handler, page),
        "count": len(letters),
        "all": len(found.letters),
        "foreign": found.foreign,
        "form": form,
        "first_page": address_of(form.given),
        "next_page": cursor and address_of({**form.given, "before": cursor}),
        "query": _encoded(form.given),
    }


def letter_context(handler: str, letter: Letter, content: Content | None) -> dict[str, Any]:
    """What the template of one letter needs."""
    shown: dict[str, Any] = {
        "letter": letter,
        "row": rows_of(handler, [letter])[0],
        "error": printable(letter.error, lines=True),
        "facts": [(name, printable(value)) for name, value in facts(letter)],
        "content": content,
    }
    if content is not None:
        shown["key"] = short(content.key)
        shown["value"] = pretty(content.value)
        shown["headers"] = [(printable(name), short(value)) for name, value in content.headers]
    return shown


def rows_of(handler: str, letters: Iterable[Letter]) -> list[Row]:
    """Letters as a list shows them."""
    return [
        Row(
            id=letter.id,
            address=reverse(
                "admin:kafka_worker_deadletter_change", args=[quote(f"{handler}:{letter.id}")]
            ),
            time=letter.time,
            position=printable(letter.position),
            reason=printable(letter.reason),
            error=printable(letter.error),
            attempts=letter.attempts,
            replays=letter.replays,
            held_back=refusal(letter),
        )
        for letter in letters
    ]


def parted(address: str) -> tuple[str, str]:
    """The handler's name and the letter's id in the address of a letter; both empty in others."""
    parts = address.rsplit(":", _ID_PARTS - 1)
    return (parts[0], ":".join(parts[1:])) if len(parts) == _ID_PARTS else ("", "")


def address_of(given: dict[str, str]) -> str:
    """The address of a list with these parameters."""
    return f"{reverse('admin:kafka_worker_deadletter_changelist')}?{_encoded(given)}"


def sentences(done: str, failed: Sequence[tuple[Letter, str]], gone: int) -> list[str]:
    """What did not work, for the person who asked for it; the same reason is said once."""
    said = [f"{gone} of them had gone meanwhile."] if gone else []
    reasons: dict[str, int] = {}
    for _, why in failed:
        reasons[why] = reasons.get(why, 0) + 1
    return said + [f"{count} not {done}: {why}." for why, count in reasons.items()]


def _encoded(given: dict[str, str]) -> str:
    query = QueryDict(mutable=True)
    query.update({name: value for name, value in given.items() if value})
    return query.urlencode()
