"""The endpoints: each says what it takes, asks, and answers."""

from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

from django.http import Http404, HttpResponse
from django.shortcuts import render
from rest_framework.request import Request

from issuetracker.accepting import accept
from issuetracker.access.audit import record_deletions
from issuetracker.access.authorization import require
from issuetracker.access.permissions import Permission
from issuetracker.api import answers, described, openapi
from issuetracker.api.base import ApiView, caller_of
from issuetracker.api.conditions import is_unchanged, require_match, tag_of
from issuetracker.api.idempotency import idempotent
from issuetracker.api.listed import listed_page
from issuetracker.api.problems import answer_exception
from issuetracker.api.queries import DocumentsQuery, IssuesQuery
from issuetracker.api.reporting import answer_report, reported
from issuetracker.api.validating import decode_query
from issuetracker.exceptions import FieldError, InvalidInput, StoreUnavailable
from issuetracker.issues import Collection
from issuetracker.messages import (
    BulkUpdate,
    Commented,
    IssueUpdate,
    NewComment,
    NewIssue,
    bare_id,
)
from issuetracker.reading import (
    is_known,
    read_documents,
    read_issue,
    read_merged,
)
from issuetracker.working import Outcome, update_issue, update_issues

_NO_SUCH_ISSUE = "There is no such issue."


class IssuesView(ApiView):
    """Reports come in here; lists go out."""

    def permission_for(self, method: str) -> Permission:
        """Reporting is a permission of its own."""
        return Permission.REPORT if method == "POST" else super().permission_for(method)

    @described.CREATE_ISSUE
    @idempotent
    def post(self, request: Request) -> HttpResponse:
        """Report an issue."""
        issue = self.read_body(request, NewIssue)
        event_id = self.event_id(issue.event_id)
        change = reported(issue, event_id, caller_of(request).actor(issue.component))
        return answer_report(accept(change, deadline=self.deadline))

    @described.LIST_ISSUES
    def get(self, request: Request) -> HttpResponse:
        """List issues."""
        query = decode_query(request.query_params, IssuesQuery)
        page = _with_cursor_named(listed_page, query)
        following = _next_address(request, page.cursor)
        return answers.answer(answers.ReadyIssueList(page.results, following, page.degraded))

    @described.UPDATE_ISSUES
    @idempotent
    def patch(self, request: Request) -> HttpResponse:
        """Set the same of many issues."""
        update = self.read_body(request, BulkUpdate)
        caller = caller_of(request)
        if update.status == "deleted":
            require(caller, Permission.DELETE)
        event_id = self.event_id(update.event_id)
        outcomes = update_issues(
            update.ids, update, caller.actor(), event_id=event_id, deadline=self.deadline
        )
        unknown = [isinstance(outcome.error, StoreUnavailable) for outcome in outcomes]
        if all(unknown):
            raise StoreUnavailable(str(outcomes[0].error))
        self.is_repeatable = any(unknown)
        if update.status == "deleted":
            deleted = [outcome.issue_id for outcome in outcomes if outcome.error is None]
            _record_deletions(request, deleted, event_id)
        return answers.answer(answers.BulkUpdated([_result(each) for each in outcomes]), 202)


class IssueView(ApiView):
    """One issue."""

    @described.READ_ISSUE
    def get(self, request: Request, issue_id: str) -> HttpResponse:
        """Read an issue, with or without ``temp-``."""
        found = read_issue(bare_id(issue_id))
        if found is None:
            raise Http404(_NO_SUCH_ISSUE)
        merged = [read.issue for read in read_merged(found.issue)]
        shown = answers.detail(found.issue, merged, pending=found.pending)
        tag = tag_of(found.issue, shown)
        if is_unchanged(request, tag):
            return HttpResponse(status=304, headers={"ETag": tag})
        response = answers.answer(shown)
        response.headers["ETag"] = tag
        return response

    @described.UPDATE_ISSUE
    @idempotent
    def patch(self, request: Request, issue_id: str) -> HttpResponse:
        """Set an issue's status, priority, assignee, tags or mute, or merge it into another."""
        update = self.read_body(request, IssueUpdate)
        caller = caller_of(request)
        deletes = update.status == "deleted"
        if deletes:
            require(caller, Permission.DELETE)
        event_id = self.event_id(update.event_id)
        require_match(request, issue_id, event_id, self.store_seconds)
        outcome = update_issue(
            issue_id, update, caller.actor(), event_id=event_id, deadline=self.deadline
        )
        if deletes:
            _record_deletions(request, [outcome.issue_id], event_id)
        in_log = outcome.where == "log"
        return answers.answer(
            answers.AcceptedUpdate(outcome.issue_id, "accepted" if in_log else "updated"),
            202 if in_log else 200,
        )


class CommentsView(ApiView):
    """The comments of an issue."""

    @described.LIST_COMMENTS
    def get(self, request: Request, issue_id: str) -> HttpResponse:
        """Read an issue's comments, oldest first."""
        page = _documents(request, issue_id, "comments")
        return answers.answer(answers.CommentList(*page))

    @described.ADD_COMMENT
    @idempotent
    def post(self, request: Request, issue_id: str) -> HttpResponse:
        """Write a comment."""
        comment = self.read_body(request, NewComment)
        event_id = self.event_id(comment.event_id)
        require_match(request, issue_id, event_id, self.store_seconds)
        _require_known(issue_id, self.store_seconds)
        change = Commented(
            issue_id=bare_id(issue_id),
            event_id=event_id,
            time=datetime.now(UTC),
            actor=caller_of(request).actor(),
            body=comment.body,
        )
        accepted = accept(change, deadline=self.deadline)
        in_log = accepted.where == "log"
        return answers.answer(
            answers.AcceptedComment(
                change.event_id, change.issue_id, "accepted" if in_log else "created"
            ),
            202 if in_log else 201,
            f"/api/v1/issues/{change.issue_id}/comments",
        )


class OccurrencesView(ApiView):
    """The single reports of an issue."""

    @described.LIST_OCCURRENCES
    def get(self, request: Request, issue_id: str) -> HttpResponse:
        """Read the reports that were kept, newest first."""
        page = _documents(request, issue_id, "occurrences")
        return answers.answer(answers.OccurrenceList(*page))


class HistoryView(ApiView):
    """What was set."""

    @described.LIST_HISTORY
    def get(self, request: Request, issue_id: str) -> HttpResponse:
        """Read what was set and by whom, oldest first."""
        page = _documents(request, issue_id, "history")
        return answers.answer(answers.HistoryList(*page))


class SchemaView(ApiView):
    """The OpenAPI document."""

    authentication_classes = ()
    permission_classes = ()
    schema = None

    def get(self, _request: Request) -> HttpResponse:
        """Everything the API does, for programs."""
        return HttpResponse(openapi.document(), content_type="application/vnd.oai.openapi+json")


class DocsView(ApiView):
    """The page for people."""

    authentication_classes = ()
    permission_classes = ()
    schema = None

    def get(self, request: Request) -> HttpResponse:
        """Everything the API does, to read and to try."""
        return render(request._request, "issuetracker/docs.html")  # noqa: SLF001 - as in base.py


def _record_deletions(request: Request, issue_ids: list[str], event_id: str) -> None:
    caller = caller_of(request).actor()
    record_deletions(issue_ids, caller, request._request, event_id=event_id)  # noqa: SLF001 - as in base.py


def _result(outcome: Outcome) -> answers.UpdatedIssue:
    if outcome.error is not None:
        response = answer_exception(outcome.error, {})
        detail = str(outcome.error) if response.status_code in (404, 409) else ""
        return answers.UpdatedIssue(outcome.issue_id, "refused", response.status_code, detail)
    if outcome.where == "log":
        return answers.UpdatedIssue(outcome.issue_id, "accepted", 202)
    return answers.UpdatedIssue(outcome.issue_id, "updated", 200)


def _require_known(issue_id: str, seconds: float | None = None) -> None:
    """Refuse what is about an issue that nobody reported."""
    if not is_known(bare_id(issue_id), seconds=seconds):
        raise Http404(_NO_SUCH_ISSUE)


def _documents(request: Request, issue_id: str, collection: Collection) -> Any:  # noqa: ANN401
    """A page's results, next address and whether it is degraded; of the collection's own type."""
    query = decode_query(request.query_params, DocumentsQuery)
    _require_known(issue_id)
    page = _with_cursor_named(
        read_documents, bare_id(issue_id), collection, limit=query.limit, cursor=query.cursor
    )
    return list(page.items), _next_address(request, page.cursor), page.degraded


def _with_cursor_named(function: Any, *arguments: object, **options: object) -> Any:  # noqa: ANN401
    """Call ``function``; the only thing it can find wrong is the cursor."""
    try:
        return function(*arguments, **options)
    except InvalidInput as error:
        raise InvalidInput([FieldError("/cursor", "Is not a cursor of this list")]) from error


def _next_address(request: Request, cursor: str | None) -> str | None:
    if cursor is None:
        return None
    query = {**dict(request.query_params.lists()), "cursor": [cursor]}
    return request.build_absolute_uri(f"{request.path}?{urlencode(query, doseq=True)}")
