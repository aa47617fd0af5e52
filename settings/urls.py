"""Every address the web process answers; ``health.py`` answers those of the probes."""

from django.contrib import admin
from django.urls import include, path, re_path

from issuetracker.api.problems import nothing_here

admin.autodiscover()

urlpatterns = [
    path("api/v1/", include("issuetracker.api.urls")),
    re_path(r"^api(?:/|$)", nothing_here),
    path("admin/", admin.site.urls),
]

handler400 = "issuetracker.api.problems.bad_request"
handler403 = "issuetracker.api.problems.permission_denied"
handler404 = "issuetracker.api.problems.page_not_found"
handler500 = "issuetracker.api.problems.server_error"
