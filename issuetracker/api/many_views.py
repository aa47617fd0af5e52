"""The endpoints for many issues in one request."""

import uuid
from http import HTTPStatus

from django.http import HttpResponse, StreamingHttpResponse
from rest_framework.request import Request

from issuetracker.access.permissions import Permission
from issuetracker.api import answers, described
from issuetracker.api.base import ApiView, caller_of
from issuetracker.api.exporting import export
from issuetracker.api.idempotency import idempotent
from issuetracker.api.queries import ExportQuery
from issuetracker.api.reporting import report_all
from issuetracker.api.validating import decode_query
from issuetracker.exceptions import StoreUnavailable
from issuetracker.messages import MAX_BULK_BYTES, NewIssues


class ExportView(ApiView):
    """A whole list as a file."""

    @described.EXPORT_ISSUES
    def get(self, request: Request) -> StreamingHttpResponse:
        """Export issues."""
        query = decode_query(request.query_params, ExportQuery)
        return export(query.filters(), query.format)


class BulkReportView(ApiView):
    """Many reports in one request."""

    body_limit = MAX_BULK_BYTES

    def permission_for(self, method: str) -> Permission:
        """As for a single report."""
        return Permission.REPORT if method == "POST" else super().permission_for(method)

    @described.CREATE_ISSUES
    @idempotent
    def post(self, request: Request) -> HttpResponse:
        """Report many issues."""
        sent = self.read_body(request, NewIssues).issues
        results = report_all(
            sent, uuid.UUID(self.event_id()), caller_of(request), deadline=self.deadline
        )
        not_taken = [result.code == HTTPStatus.SERVICE_UNAVAILABLE for result in results]
        if all(not_taken):
            raise StoreUnavailable("neither the log nor the store took any report")
        self.is_repeatable = any(not_taken)
        return answers.answer(answers.BulkReported(results), 202)
