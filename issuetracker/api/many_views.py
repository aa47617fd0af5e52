"""The endpoints for many issues in one request."""

from django.http import StreamingHttpResponse
from rest_framework.request import Request

from issuetracker.api import described
from issuetracker.api.base import ApiView
from issuetracker.api.exporting import export
from issuetracker.api.queries import ExportQuery
from issuetracker.api.validating import decode_query


class ExportView(ApiView):
    """A whole list as a file."""

    @described.EXPORT_ISSUES
    def get(self, request: Request) -> StreamingHttpResponse:
        """Export issues."""
        query = decode_query(request.query_params, ExportQuery)
        return export(query.filters(), query.format)
