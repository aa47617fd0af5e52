"""What orchestrators and collectors ask: /livez, /readyz, /metrics."""

from collections.abc import Callable

import msgspec
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, CollectorRegistry, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector

from issuetracker.parts import states_of_parts


def health(
    get_response: Callable[[HttpRequest], HttpResponse],
) -> Callable[[HttpRequest], HttpResponse]:
    """Middleware that answers the probes before anything else has a say.

    Probes call by address, not by a name in ``DJANGO_ALLOWED_HOSTS``, and need neither session
    nor database.
    """
    answers = {"/livez": livez, "/readyz": readyz, "/metrics": metrics}

    def middleware(request: HttpRequest) -> HttpResponse:
        answer = answers.get(request.path)
        if answer is None:
            return get_response(request)
        if request.method not in ("GET", "HEAD"):
            return HttpResponse(status=405, headers={"Allow": "GET, HEAD"})
        return answer()

    return middleware


def livez() -> HttpResponse:
    """The process answers."""
    return _json({"status": "ok"}, 200)


def readyz() -> HttpResponse:
    """Whether reports can be accepted: into the log, or past it into the store.

    Not before the publisher was ready once, or found that the brokers do not answer. Redis has
    no say: without it nothing but freshness is lost.
    """
    parts = states_of_parts()
    publisher = parts["publisher"]
    ready = publisher == "ready" or (publisher == "down" and parts["store"] == "ready")
    whole = set(parts.values()) <= {"ready", "absent"}
    status = ("ready" if whole else "degraded") if ready else "not ready"
    return _json({"status": status, "parts": parts}, 200 if ready else 503)


def metrics() -> HttpResponse:
    """Figures for Prometheus; of all processes where they share a folder."""
    registry = REGISTRY
    if settings.ENVIRONMENT.prometheus_multiproc_dir:
        registry = CollectorRegistry()
        MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    return HttpResponse(generate_latest(registry), content_type=CONTENT_TYPE_LATEST)


def _json(document: dict[str, object], status: int) -> HttpResponse:
    return HttpResponse(
        msgspec.json.encode(document),
        status=status,
        content_type="application/json",
        headers={"Cache-Control": "no-store"},
    )
