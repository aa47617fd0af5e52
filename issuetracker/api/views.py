"""The endpoints: each says what it takes, asks, and answers."""

import uuid
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

from django.http import Http404, HttpResponse
from django.shortcuts import render
from rest_framework.request import Request

from issuetracker.accepting import Accepted, accept
from issuetracker.access.audit import record_deletion
from issuetracker.access.authorization import require
from issuetracker.access.permissions import Permission
from issuetracker.api import answers, described, openapi
from issuetracker.api.base import ApiView, caller_of, read_body
from issuetracker.api.conditions import is_unchanged, require_match, tag_of
from issuetracker.api.problems import answer_exception
from issuetracker.api.queries import DocumentsQuery, IssuesQuery
from issuetracker.api.validating import decode_query
from issuetracker.exceptions import FieldError, InvalidInput, StoreUnavailable
from issuetracker.issues import Collection
from issuetracker.messages import (
    PENDING_PREFIX,
    BulkUpdate,
    Commented,
    IssueUpdate,
    NewComment,
    NewIssue,
    Reported,
    bare_id,
    new_event_id,
    new_issue_id,
)
from issuetracker.reading import (
    is_known,
    list_issues,
    read_documents,
    read_issue,
    read_merged,
)
from issuetracker.rules import decide
from issuetracker.working import Outcome, update_issue, update_issues

_NO_SUCH_ISSUE = "There is no such issue."


class IssuesView(ApiView):
    """Reports come in here; lists go out."""

    def permission_for(self, method: str) -> Permission:
        """Reporting is a permission of its own."""
        return Permission.REPORT if method == "POST" else super().permission_for(method)

    @described.CREATE_ISSUE
    def post(self, request: Request) -> HttpResponse:
        """Report an issue."""
        issue = read_body(request, NewIssue)
        event_id = issue.event_id or new_event_id()
        decision = decide(issue)
        change = Reported(
            issue_id=new_issue_id(issue, event_id),
            event_id=event_id,
            time=datetime.now(UTC),
            actor=caller_of(request).actor(issue.component),
            issue=issue,
            priority=decision.priority,
            assignee=decision.assignee,
        )
        return _answer_report(accept(change, deadline=self.deadline))

    @described.LIST_ISSUES
    def get(self, request: Request) -> HttpResponse:
        """List issues."""
        query = decode_query(request.query_params, IssuesQuery)
        page = _with_cursor_named(
            list_issues, query.filters(), limit=query.limit, cursor=query.cursor
        )
        results = [answers.summary(item.issue, pending=item.pending) for item in page.items]
        return answers.answer(
            answers.IssueList(results, _next_address(request, page.cursor), page.degraded)
        )

    @described.UPDATE_ISSUES
    def patch(self, request: Request) -> HttpResponse:
        """Set the same of many issues."""
        update = read_body(request, BulkUpdate)
        caller = caller_of(request)
        if update.status == "deleted":
            require(caller, Permission.DELETE)
        outcomes = update_issues(
            update.ids,
            update,
            caller.actor(),
            event_id=update.event_id or str(uuid.uuid4()),
            deadline=self.deadline,
        )
        if all(isinstance(outcome.error, StoreUnavailable) for outcome in outcomes):
            raise StoreUnavailable(str(outcomes[0].error))
        if update.status == "deleted":
            for outcome in outcomes:
                if outcome.error is None:
                    _record_deletion(request, outcome.issue_id)
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
    def patch(self, request: Request, issue_id: str) -> HttpResponse:
        """Set an issue's status, priority, assignee or mute, or merge it into another."""
        update = read_body(request, IssueUpdate)
        caller = caller_of(request)
        deletes = update.status == "deleted"
        if deletes:
            require(caller, Permission.DELETE)
        event_id = update.event_id or str(uuid.uuid4())
        require_match(request, issue_id, event_id, self.store_seconds)
        outcome = update_issue(
            issue_id, update, caller.actor(), event_id=event_id, deadline=self.deadline
        )
        if deletes:
            _record_deletion(request, outcome.issue_id)
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
    def post(self, request: Request, issue_id: str) -> HttpResponse:
        """Write a comment."""
        comment = read_body(request, NewComment)
        event_id = comment.event_id or str(uuid.uuid4())
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


def _record_deletion(request: Request, issue_id: str) -> None:
    record_deletion(issue_id, caller_of(request).actor(), request._request)  # noqa: SLF001 - as in base.py


def _answer_report(accepted: Accepted) -> HttpResponse:
    issue_id = accepted.change.issue_id
    if accepted.where == "log":
        shown = PENDING_PREFIX + issue_id
        address = f"/api/v1/issues/{shown}"
        return answers.answer(answers.AcceptedIssue(shown, "accepted", address), 202, address)
    address = f"/api/v1/issues/{issue_id}"
    return answers.answer(answers.AcceptedIssue(issue_id, "created", address), 201, address)


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
