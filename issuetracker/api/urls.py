"""The addresses below /api/v1/."""

from django.urls import path, register_converter

from issuetracker.api import many_views, views


class IssueIdConverter:
    """An issue's id, with or without ``temp-``."""

    regex = r"(?:temp-)?[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"

    def to_python(self, value: str) -> str:
        """As it stands in the address."""
        return value

    def to_url(self, value: str) -> str:
        """As it is."""
        return value


register_converter(IssueIdConverter, "issue_id")

urlpatterns = [
    path("issues", views.IssuesView.as_view(), name="issues"),
    path("issues/bulk", many_views.BulkReportView.as_view(), name="bulk"),
    path("issues/export", many_views.ExportView.as_view(), name="export"),
    path("issues/<issue_id:issue_id>", views.IssueView.as_view(), name="issue"),
    path("issues/<issue_id:issue_id>/comments", views.CommentsView.as_view(), name="comments"),
    path(
        "issues/<issue_id:issue_id>/occurrences",
        views.OccurrencesView.as_view(),
        name="occurrences",
    ),
    path("issues/<issue_id:issue_id>/history", views.HistoryView.as_view(), name="history"),
    path("schema", views.SchemaView.as_view(), name="schema"),
    path("docs", views.DocsView.as_view(), name="docs"),
]
