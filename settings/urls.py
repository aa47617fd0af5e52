"""Every address the web process answers."""

from django.contrib import admin
from django.urls import include, path

urlpatterns = [
    path("api/v1/", include("issuetracker.api.urls")),
    path("admin/", admin.site.urls),
]
