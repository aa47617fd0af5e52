"""Dead letters in Django's admin: look, replay, discard, for whoever has the permission.

Of ``ModelAdmin`` it uses the name, the permissions and the place in the site. Letters are in no
table, so every page is a view of its own.
"""

from collections.abc import Callable
from functools import update_wrapper, wraps
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from django.contrib import admin, messages
from django.contrib.admin.models import CHANGE, DELETION, LogEntry
from django.contrib.admin.utils import unquote
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.views.decorators.http import require_GET, require_POST

from kafka_worker import registry
from kafka_worker.exceptions import ConfigurationError, HandlerNotFound, Unavailable
from kafka_worker.letters.box import LetterBox, Outcome, box_of
from kafka_worker.letters.choosing import by_id
from kafka_worker.letters.form import Letter
from kafka_worker.letters.pages import (
    letter_context,
    list_context,
    parted,
    read_form,
    rows_of,
    sentences,
)
from kafka_worker.letters.showing import counted
from kafka_worker.models import DeadLetter

if TYPE_CHECKING:
    _DeadLetterAdmin = admin.ModelAdmin[DeadLetter]
else:
    _DeadLetterAdmin = admin.ModelAdmin

View = Callable[..., HttpResponse]

_SECONDS = 8.0
_DONE = {"replay": "replayed", "discard": "discarded"}


def _or_unavailable(view: View) -> View:
    """Answer with a page that tells the way out when the broker does not answer."""

    @wraps(view)
    def wrapper(self: "DeadLetterAdmin", request: HttpRequest, **captured: str) -> HttpResponse:
        try:
            return view(self, request, **captured)
        except HandlerNotFound as error:
            return self.missing(request, str(error))
        except (Unavailable, ConfigurationError) as error:
            return self.unavailable(request, error)

    return wrapper


@admin.register(DeadLetter)
class DeadLetterAdmin(_DeadLetterAdmin):
    """The list of a handler's dead letters, the page of one, and what can be done to them."""

    def has_add_permission(self, request: HttpRequest) -> bool:  # noqa: ARG002
        """Nobody: a letter is written by a worker."""
        return False

    def get_urls(self) -> list[URLPattern]:
        """The list, a letter, and what can be done; nothing of ``ModelAdmin``'s own."""
        return [
            self._path("", require_GET(self.list_view), "changelist"),
            self._path("act/", require_POST(self.act_view), "act"),
            self._path("<str:object_id>/", require_GET(self.letter_view), "change"),
        ]

    def _path(self, route: str, view: View, name: str) -> URLPattern:
        guarded = update_wrapper(self.admin_site.admin_view(view), view)
        return path(route, guarded, name=f"kafka_worker_deadletter_{name}")

    @_or_unavailable
    def list_view(self, request: HttpRequest) -> HttpResponse:
        """The dead letters of one handler, the newest first."""
        self._require_view(request)
        form = read_form(request.GET)
        names = registry.names()
        if not names:
            raise ConfigurationError("No handler is registered")
        box = box_of(form.given["handler"] or names[0], _SECONDS)
        return self._page(request, "list", "Dead letters", names=names, **list_context(box, form))

    @_or_unavailable
    def letter_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """One letter with its message."""
        self._require_view(request)
        handler, letter_id = parted(unquote(object_id))
        box = box_of(handler, _SECONDS) if handler else None
        letters, _ = by_id(box.find().letters if box else [], [letter_id])
        opened = box.open(letters[0]) if box and letters else None
        if box is None or opened is None:
            return self.missing(request, f"There is no dead letter {letter_id or object_id}")
        context = letter_context(box.handler, *opened)
        return self._page(request, "letter", "Dead letter", box=box, **context)

    @_or_unavailable
    def act_view(self, request: HttpRequest) -> HttpResponse:
        """Ask before letters are replayed or discarded; do it when the person has said yes."""
        action, ids = request.POST.get("action", ""), request.POST.getlist("letter")
        self._require_permission(request, action)
        box = box_of(request.POST.get("handler", ""), _SECONDS)
        letters, gone = by_id(box.find().letters, ids)
        if not letters:
            messages.warning(request, "None of them is there." if ids else "Choose letters first.")
            return self._back(request, box)
        if "confirmed" not in request.POST:
            rows = rows_of(box.handler, letters)
            return self._page(
                request,
                "confirm",
                f"{action.capitalize()} {counted(len(letters))}?",
                box=box,
                action=action,
                rows=rows,
                may_force=action == "replay" and any(row.held_back for row in rows),
                query=request.POST.get("query", ""),
            )
        outcome = self._do(request, action, box, letters)
        if outcome.done:
            messages.success(request, f"{counted(len(outcome.done))} {_DONE[action]}.")
        for sentence in sentences(_DONE[action], outcome.failed, len(gone)):
            messages.warning(request, sentence)
        return self._back(request, box)

    def missing(self, request: HttpRequest, sentence: str) -> HttpResponse:
        """The page for what is not there."""
        return self._page(
            request, "missing", "Nothing here", HTTPStatus.NOT_FOUND, sentence=sentence
        )

    def unavailable(self, request: HttpRequest, error: Exception) -> HttpResponse:
        """The page for when nothing can be read: what that means, and what to do."""
        reading = request.method == "GET"
        return self._page(
            request,
            "unavailable",
            "Not available at the moment",
            HTTPStatus.SERVICE_UNAVAILABLE,
            error=error,
            reading=reading,
            again=request.get_full_path()
            if reading
            else reverse("admin:kafka_worker_deadletter_changelist"),
        )

    def _do(
        self, request: HttpRequest, action: str, box: LetterBox, letters: list[Letter]
    ) -> Outcome:
        if action == "replay":
            outcome, flag = box.replay(letters, force="force" in request.POST), CHANGE
        else:
            outcome, flag = box.discard(letters), DELETION
        LogEntry.objects.log_actions(
            user_id=request.user.pk or 0,
            queryset=[DeadLetter(id=f"{box.handler}:{letter.id}") for letter in outcome.done],
            action_flag=flag,
            change_message=f"{_DONE[action].capitalize()}.",
        )
        return outcome

    def _back(self, request: HttpRequest, box: LetterBox) -> HttpResponse:
        query = request.POST.get("query", "") or f"handler={box.handler}"
        address = reverse("admin:kafka_worker_deadletter_changelist")
        return HttpResponseRedirect(f"{address}?{query}")

    def _page(
        self,
        request: HttpRequest,
        template: str,
        title: str,
        status: int = HTTPStatus.OK,
        **context: Any,  # noqa: ANN401 - whatever the template needs
    ) -> HttpResponse:
        whole = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            # Errors need the width; the way to the other pages is in the breadcrumbs.
            "is_nav_sidebar_enabled": False,
            "may_replay": self.has_change_permission(request),
            "may_discard": self.has_delete_permission(request),
            "title": title,
            **context,
        }
        return TemplateResponse(request, f"kafka_worker/{template}.html", whole, status=status)

    def _require_view(self, request: HttpRequest) -> None:
        if not self.has_view_permission(request):
            raise PermissionDenied

    def _require_permission(self, request: HttpRequest, action: str) -> None:
        allowed = {"replay": self.has_change_permission, "discard": self.has_delete_permission}
        if action not in allowed or not allowed[action](request):
            raise PermissionDenied
