"""A bare Django, to be served as the product is: views that do nothing but what they must."""

import functools
import os
from pathlib import Path

from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.http import HttpRequest, HttpResponse
from django.urls import path

#: The environment variable that names the file whose bytes `page` returns.
PAGE = "BENCH_PAGE"

settings.configure(
    SECRET_KEY="of-a-bare-view-that-signs-nothing",
    ALLOWED_HOSTS=["127.0.0.1"],
    ROOT_URLCONF=__name__,
    MIDDLEWARE=[],
)


def read(request: HttpRequest) -> HttpResponse:
    """Read the body and answer."""
    answer = b'{"length": %d}' % len(request.body)
    return HttpResponse(answer, status=202, content_type="application/json")


def page(_request: HttpRequest) -> HttpResponse:
    """Answer with the same bytes each time."""
    return HttpResponse(_page(), content_type="application/json")


@functools.cache
def _page() -> bytes:
    return Path(os.environ[PAGE]).read_bytes()


urlpatterns = [path("read", read), path("page", page)]
application = get_wsgi_application()
