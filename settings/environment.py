"""Every environment variable this project reads, typed, in one place.

Nothing else in the code reads ``os.environ`` for a setting. README.md's table of variables is
held against this class by ``tests/test_environment.py``.
"""

import os
from collections.abc import Mapping
from typing import Annotated, Literal

import msgspec
from django.core.exceptions import ImproperlyConfigured
from msgspec import Meta


class Environment(msgspec.Struct, frozen=True, kw_only=True, rename=str.upper):
    """The process's environment variables; a field's upper-case name is the variable's name."""

    django_debug: Annotated[
        bool, Meta(description="Development mode; without it the production rules below hold.")
    ] = False
    django_secret_key: Annotated[
        str, Meta(description="Django's secret key. Required in production.")
    ] = ""
    django_allowed_hosts: Annotated[
        str, Meta(description="Host names served, separated by commas. Required in production.")
    ] = ""
    django_csrf_trusted_origins: Annotated[
        str, Meta(description="Origins (https://…) that may post forms, separated by commas.")
    ] = ""
    django_extra_apps: Annotated[
        str,
        Meta(description="Further Django apps to install, separated by commas: their workflows."),
    ] = ""
    port: Annotated[int, Meta(ge=1, le=65535, description="Port of the web server.")] = 6001
    worker_port: Annotated[
        int,
        Meta(
            ge=0,
            le=65535,
            description="Port on which a consumer serves `/livez`, `/readyz` and `/metrics`; "
            "each on a machine needs its own.",
        ),
    ] = 0
    worker_host: Annotated[
        str, Meta(description="Address of that port; `0.0.0.0` for probes from other machines.")
    ] = "127.0.0.1"
    kafka_bootstrap_servers: Annotated[
        str, Meta(description="Kafka brokers, host:port separated by commas.")
    ] = ""
    kafka_partitions: Annotated[
        int, Meta(ge=1, le=1000, description="Partitions of a topic that has to be created.")
    ] = 4
    kafka_replication_factor: Annotated[
        int, Meta(ge=1, le=10, description="Replicas of a topic that has to be created.")
    ] = 1
    kafka_group_instance_id: Annotated[
        str,
        Meta(description="Stable name of this consumer (static membership), e.g. the pod's name."),
    ] = ""
    redis_url: Annotated[
        str, Meta(description="Redis for the recent view and Django's cache, redis://host:port/0.")
    ] = ""
    database_url: Annotated[
        str, Meta(description="Django's database; by default SQLite in var/.")
    ] = ""
    google_cloud_project: Annotated[
        str, Meta(description="Google Cloud project of the Firestore database.")
    ] = ""
    google_application_credentials: Annotated[
        str, Meta(description="Google's usual path of a credentials file.")
    ] = ""
    firestore_emulator_host: Annotated[
        str, Meta(description="host:port of a Firestore emulator to use instead of Firestore.")
    ] = ""
    issuetracker_store: Annotated[
        Literal["", "database", "firestore"],
        Meta(description="Where issues are kept. Required in production; else `database`."),
    ] = ""
    issuetracker_access: Annotated[
        Literal["", "token", "local", "open"],
        Meta(
            description="Who may call the API: with a `token`, or without one from this machine "
            "(`local`), or from anywhere (`open`). Required in production; else `local`."
        ),
    ] = ""
    issuetracker_audit_days: Annotated[
        int, Meta(ge=1, le=36_500, description="Days for which the audit log keeps an entry.")
    ] = 365
    issuetracker_proxies: Annotated[
        int,
        Meta(
            ge=0,
            le=10,
            description="Proxies in front of the web server that append to `X-Forwarded-For`. "
            "The address that the outermost one wrote is believed; with 0, none is.",
        ),
    ] = 0
    issuetracker_rate_limit: Annotated[
        int,
        Meta(
            ge=0,
            le=1_000_000,
            description="Requests a second that each web process takes from one caller of the API, "
            "ten seconds' worth of them at once; with 0, any number.",
        ),
    ] = 0
    issuetracker_url: Annotated[
        str, Meta(description="Address of the API, for the client in the workflow app.")
    ] = ""
    issuetracker_token: Annotated[
        str, Meta(description="Token with which the client calls the API.")
    ] = ""
    prometheus_multiproc_dir: Annotated[
        str,
        Meta(description="Folder, emptied before each start, in which web workers add up metrics."),
    ] = ""
    log_format: Annotated[
        Literal["text", "json"], Meta(description="Form of the log lines on standard error.")
    ] = "text"
    log_level: Annotated[
        Literal["DEBUG", "INFO", "WARNING", "ERROR"],
        Meta(
            description="Least level logged. `DEBUG` follows each report, in this project's own "
            "lines."
        ),
    ] = "INFO"

    def __repr__(self) -> str:
        """Without the values: some are secrets, and Django's error page shows every setting."""
        return "<Environment>"

    @property
    def allowed_hosts(self) -> list[str]:
        """``DJANGO_ALLOWED_HOSTS`` as a list."""
        return _split(self.django_allowed_hosts)

    @property
    def csrf_trusted_origins(self) -> list[str]:
        """``DJANGO_CSRF_TRUSTED_ORIGINS`` as a list."""
        return _split(self.django_csrf_trusted_origins)

    @property
    def extra_apps(self) -> list[str]:
        """``DJANGO_EXTRA_APPS`` as a list."""
        return _split(self.django_extra_apps)


def read_environment(environ: Mapping[str, str] | None = None) -> Environment:
    """Read and check the environment.

    An empty value counts as not set, because compose files and charts pass empty strings on.

    Args:
        environ: the variables; by default the process's own.

    Raises:
        ImproperlyConfigured: a value has the wrong form, or production lacks a required one;
            the message names each such variable and what to set.
    """
    source = os.environ if environ is None else environ
    names = Environment.__struct_encode_fields__
    given = {name: source[name] for name in names if source.get(name)}
    try:
        environment = msgspec.convert(given, Environment, strict=False)
    except msgspec.ValidationError as error:
        variable = str(error).rpartition("`$.")[2].rstrip("`")
        raise ImproperlyConfigured(f"{variable}: {str(error).partition(' - at')[0]}") from error
    _require_for_production(environment)
    return environment


def _require_for_production(environment: Environment) -> None:
    if environment.django_debug:
        return
    required = {
        "DJANGO_SECRET_KEY": environment.django_secret_key,
        "DJANGO_ALLOWED_HOSTS": environment.django_allowed_hosts,
        "ISSUETRACKER_STORE": environment.issuetracker_store,
        "ISSUETRACKER_ACCESS": environment.issuetracker_access,
        "KAFKA_BOOTSTRAP_SERVERS": environment.kafka_bootstrap_servers,
        "REDIS_URL": environment.redis_url,
    }
    missing = [name for name, value in required.items() if not value]
    if missing:
        raise ImproperlyConfigured(
            f"Without DJANGO_DEBUG=1 these variables must be set: {', '.join(missing)}. "
            "README.md says what each one means; `make run` starts a development set-up."
        )


def _split(value: str) -> list[str]:
    return [part.strip() for part in value.split(",") if part.strip()]
