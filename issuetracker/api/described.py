"""Each endpoint as the OpenAPI document shows it."""

from issuetracker.api.answers import (
    AcceptedComment,
    AcceptedIssue,
    AcceptedUpdate,
    BulkUpdated,
    CommentList,
    HistoryList,
    IssueDetail,
    IssueList,
    OccurrenceList,
)
from issuetracker.api.openapi import ETAG, IF_MATCH, IF_NONE_MATCH, operation
from issuetracker.api.queries import DocumentsQuery, IssuesQuery
from issuetracker.messages import BulkUpdate, IssueUpdate, NewComment, NewIssue

_ID = "5b0c1f52-6f0e-5a0e-9d5b-3f6f4f6b8f10"
_OTHER = "8c7f2f6e-52a5-5b0a-8a55-0d6f6a0c9f21"
_EVENT = "0b5c4f0e-8a3f-4f4b-9d6c-0c7f5d1f6a11"
_TIME = "2026-11-23T09:52:20.123456Z"
_RAISED = {
    "type": "builtins.ValueError",
    "message": "invalid literal for int()",
    "frames": [{"file": "reports/totals.py", "line": 41, "function": "total", "code": "int(row)"}],
}
_REPORT = {
    "title": "Test Issue",
    "description": "Test description",
    "type": "bug",
    "priority": "medium",
    "tags": ["test"],
    "component": "workflow-consumer",
}
_SUMMARY = {
    "id": _ID,
    "title": "Test Issue",
    "type": "bug",
    "priority": "medium",
    "status": "open",
    "regressed": False,
    "component": "workflow-consumer",
    "tags": ["test"],
    "reporter": "service.workflow-consumer",
    "assignee": None,
    "muted": False,
    "muted_until": None,
    "muted_events": None,
    "merged_into": None,
    "merged": [_OTHER],
    "count": 1,
    "comment_count": 0,
    "first_seen": _TIME,
    "last_seen": _TIME,
    "updated_at": _TIME,
    "pending": False,
}
_DETAIL = {
    **_SUMMARY,
    "total": {"count": 4, "first_seen": _TIME, "last_seen": _TIME, "regressed": False},
    "merged_issues": [
        {
            "id": _OTHER,
            "title": "The same, with another trace",
            "component": "workflow-consumer",
            "status": "open",
            "regressed": False,
            "count": 3,
            "first_seen": _TIME,
            "last_seen": _TIME,
        }
    ],
    "description": "Test description",
    "fingerprint": None,
    "exception": [_RAISED],
    "context": {"run": 17},
}
_COMMENT = {
    "id": _EVENT,
    "issue_id": _ID,
    "time": _TIME,
    "author": "service.workflow-consumer",
    "body": "It happened again.",
}
_HISTORY = {
    "id": _EVENT,
    "issue_id": _ID,
    "time": _TIME,
    "actor": "ada",
    "changes": {"status": "resolved", "muted_events": 10},
}
_OCCURRENCE = {
    "id": _EVENT,
    "issue_id": _ID,
    "time": _TIME,
    "reporter": "service.workflow-consumer",
    "description": "",
    "tags": [],
    "exception": [_RAISED],
    "context": {"run": 18},
}
_PENDING_ADDRESS = f"/api/v1/issues/temp-{_ID}"
_ADDRESS = f"/api/v1/issues/{_ID}"

CREATE_ISSUE = operation(
    "create_issue",
    "Report an issue",
    {
        202: (
            AcceptedIssue,
            {"id": f"temp-{_ID}", "status": "accepted", "url": _PENDING_ADDRESS},
        ),
        201: (AcceptedIssue, {"id": _ID, "status": "created", "url": _ADDRESS}),
    },
    body=(NewIssue, _REPORT),
)
LIST_ISSUES = operation(
    "list_issues",
    "List issues",
    {200: (IssueList, {"results": [_SUMMARY], "next": None, "degraded": False})},
    query=IssuesQuery,
)
UPDATE_ISSUES = operation(
    "update_issues",
    "Set the same of up to 500 issues; each is a change of its own",
    {
        202: (
            BulkUpdated,
            {
                "results": [
                    {"id": _ID, "status": "accepted", "code": 202},
                    {
                        "id": _OTHER,
                        "status": "refused",
                        "code": 409,
                        "detail": "What is deleted cannot become resolved, "
                        "only one of these: open.",
                    },
                ]
            },
        )
    },
    body=(BulkUpdate, {"ids": [_ID, _OTHER], "status": "resolved", "event_id": _EVENT}),
)
READ_ISSUE = operation(
    "read_issue",
    "Read an issue",
    {200: (IssueDetail, _DETAIL)},
    of_issue=True,
    headers=(IF_NONE_MATCH, ETAG),
)
UPDATE_ISSUE = operation(
    "update_issue",
    "Set an issue's status, priority, assignee, tags or mute, or merge it into another",
    {
        202: (AcceptedUpdate, {"id": _ID, "status": "accepted"}),
        200: (AcceptedUpdate, {"id": _ID, "status": "updated"}),
    },
    body=(
        IssueUpdate,
        {"status": "open", "assignee": "ada", "add_tags": ["db"], "mute": {"events": 10}},
    ),
    of_issue=True,
    problems=(409, 412),
    headers=(IF_MATCH,),
)
LIST_COMMENTS = operation(
    "list_comments",
    "Read an issue's comments, oldest first",
    {200: (CommentList, {"results": [_COMMENT], "next": None, "degraded": False})},
    query=DocumentsQuery,
    of_issue=True,
)
ADD_COMMENT = operation(
    "add_comment",
    "Write a comment",
    {
        202: (AcceptedComment, {"id": _EVENT, "issue_id": _ID, "status": "accepted"}),
        201: (AcceptedComment, {"id": _EVENT, "issue_id": _ID, "status": "created"}),
    },
    body=(NewComment, {"body": "It happened again."}),
    of_issue=True,
    problems=(412,),
    headers=(IF_MATCH,),
)
LIST_OCCURRENCES = operation(
    "list_occurrences",
    "Read the single reports that were kept, newest first",
    {200: (OccurrenceList, {"results": [_OCCURRENCE], "next": None, "degraded": False})},
    query=DocumentsQuery,
    of_issue=True,
)
LIST_HISTORY = operation(
    "list_history",
    "Read what was set and by whom, oldest first",
    {200: (HistoryList, {"results": [_HISTORY], "next": None, "degraded": False})},
    query=DocumentsQuery,
    of_issue=True,
)
