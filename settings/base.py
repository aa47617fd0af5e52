"""Django's settings; what differs between installations comes from ``environment.py``."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import dj_database_url

from settings.environment import read_environment
from settings.logs import logging_config

BASE_DIR = Path(__file__).resolve().parent.parent
VAR_DIR = BASE_DIR / "var"

ENVIRONMENT = read_environment()
DEBUG = ENVIRONMENT.django_debug

# In development the key is only as secret as the machine; `make run` gives a random one.
SECRET_KEY = ENVIRONMENT.django_secret_key or "insecure-development-key"
ALLOWED_HOSTS = ENVIRONMENT.allowed_hosts or ["localhost", "127.0.0.1", "[::1]"]
CSRF_TRUSTED_ORIGINS = ENVIRONMENT.csrf_trusted_origins

INSTALLED_APPS = [
    # Its pages are found by settings/urls.py: consumers have no use for them. `check` sees them
    # since it looks through the addresses, too.
    "django.contrib.admin.apps.SimpleAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "axes",
    "kafka_worker",
    "issuetracker.access",
    "issuetracker",
    "workflow",
    *ENVIRONMENT.extra_apps,
]

MIDDLEWARE = [
    "settings.health.health",
    "settings.middleware.known_host",
    "django.middleware.security.SecurityMiddleware",
    "settings.middleware.content_security_policy",
    # Reports go no further down than here; what protects their answers stands above.
    "settings.middleware.straight_to_the_api",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "axes.middleware.AxesMiddleware",
    "settings.middleware.DatabaseAway",
]

ROOT_URLCONF = "settings.urls"
WSGI_APPLICATION = "settings.wsgi.application"

TEMPLATES: list[dict[str, Any]] = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "settings" / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            # What the apps' admin pages have in common, so that no app needs another's.
            "libraries": {"moments": "settings.moments"},
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]

SQLITE_OPTIONS: dict[str, Any] = {
    # Writers queue up instead of failing half-way, and a 201 survives a power cut.
    "transaction_mode": "IMMEDIATE",
    "timeout": 5,
    "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;",
}

# An unreachable server is noticed within seconds (2 s; 5,000 ms), not TCP's own minutes; also by
# whoever only waits for its answer, who is told after 5 s of silence and three unanswered probes.
POSTGRES_OPTIONS: dict[str, Any] = {
    "connect_timeout": 2,
    "tcp_user_timeout": 5000,
    "keepalives_idle": 5,
    "keepalives_interval": 2,
    "keepalives_count": 3,
}


def database(url: str) -> dict[str, Any]:
    """Django's settings of the database at ``url``; SQLite in var/ when it is empty."""
    config: dict[str, Any] = dict(
        dj_database_url.parse(
            url or f"sqlite:///{VAR_DIR / 'issuetracker.sqlite3'}",
            conn_max_age=60,
            conn_health_checks=True,
        )
    )
    if config["ENGINE"] == "django.db.backends.sqlite3":
        config["OPTIONS"] = {**SQLITE_OPTIONS, **config.get("OPTIONS", {})}
    elif config["ENGINE"] == "django.db.backends.postgresql":
        config["OPTIONS"] = {**POSTGRES_OPTIONS, **config.get("OPTIONS", {})}
    return config


DATABASES = {"default": database(ENVIRONMENT.database_url)}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"


def cache(url: str) -> dict[str, Any]:
    """Django's own cache: in Redis, beside the recent view; in the process without one."""
    if not url:
        return {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}
    return {
        "BACKEND": "django_redis.cache.RedisCache",
        "LOCATION": url,
        "KEY_PREFIX": "issuetracker:cache",
        "OPTIONS": {
            "SOCKET_CONNECT_TIMEOUT": 0.2,
            "SOCKET_TIMEOUT": 0.2,
            "IGNORE_EXCEPTIONS": True,
            "LOG_IGNORED_EXCEPTIONS": True,
        },
    }


CACHES = {"default": cache(ENVIRONMENT.redis_url)}

# Where issues are kept. Chosen like Django chooses its own back ends; see providers/base.py.
ISSUETRACKER_STORES: dict[str, dict[str, Any]] = {
    "database": {
        "BACKEND": "issuetracker.providers.database.DatabaseHelperProvider",
        "OPTIONS": {},
    },
    "firestore": {
        "BACKEND": "issuetracker.providers.firebase.FirebaseHelperProvider",
        "OPTIONS": {
            "project": ENVIRONMENT.google_cloud_project,
            "credentials": BASE_DIR / ".credentials" / "integrations" / "firebase.json",
            "emulator": ENVIRONMENT.firestore_emulator_host,
        },
    },
}
ISSUETRACKER_STORE = ISSUETRACKER_STORES[ENVIRONMENT.issuetracker_store or "database"]
ISSUETRACKER_ACCESS = ENVIRONMENT.issuetracker_access or "local"
ISSUETRACKER_AUDIT_DAYS = ENVIRONMENT.issuetracker_audit_days
ISSUETRACKER_PROXIES = ENVIRONMENT.issuetracker_proxies
ISSUETRACKER_RATE_LIMIT = ENVIRONMENT.issuetracker_rate_limit
ISSUETRACKER_TOPIC = "alphafusion.issues"

KAFKA_WORKER: dict[str, Any] = {
    "bootstrap_servers": ENVIRONMENT.kafka_bootstrap_servers,
    "group_instance_id": ENVIRONMENT.kafka_group_instance_id,
    "partitions": ENVIRONMENT.kafka_partitions,
    "replication_factor": ENVIRONMENT.kafka_replication_factor,
    "health_port": ENVIRONMENT.worker_port,
    "health_host": ENVIRONMENT.worker_host,
}

AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]

AUTHENTICATION_BACKENDS = [
    "axes.backends.AxesStandaloneBackend",
    "django.contrib.auth.backends.ModelBackend",
]

# Failed logins are counted for a name from an address. Not for the address alone: behind a proxy
# that is not configured everybody has one address, and somebody could lock out everybody. Not for
# the name alone: anybody could lock out a colleague.
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_FAILURE_LIMIT = 5
AXES_COOLOFF_TIME = timedelta(minutes=15)
# Or else whoever goes on trying keeps the lock shut, and its owner out.
AXES_RESET_COOL_OFF_ON_FAILURE_DURING_LOCKOUT = False
AXES_RESET_ON_SUCCESS = True
AXES_CLIENT_IP_CALLABLE = "issuetracker.access.addresses.client_address"
AXES_USERNAME_CALLABLE = "issuetracker.access.throttle.counted_name"
AXES_LOCKOUT_CALLABLE = "issuetracker.access.throttle.answer_locked_out"
AXES_SENSITIVE_PARAMETERS = ["username", "ip_address", "csrfmiddlewaretoken"]
# The audit log says who logged in, and keeps no addresses.
AXES_DISABLE_ACCESS_LOG = True
AXES_ENABLE_ADMIN = False
AXES_VERBOSE = False

LANGUAGE_CODE = "en"
TIME_ZONE = "UTC"
USE_I18N = False
USE_TZ = True

STATIC_URL = "static/"
STATIC_ROOT = VAR_DIR / "static"
STATICFILES_DIRS = [BASE_DIR / "settings" / "static"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
        if DEBUG
        else "whitenoise.storage.CompressedManifestStaticFilesStorage"
    },
}
WHITENOISE_USE_FINDERS = DEBUG

REST_FRAMEWORK: dict[str, Any] = {
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "UNAUTHENTICATED_USER": "django.contrib.auth.models.AnonymousUser",
    "EXCEPTION_HANDLER": "issuetracker.api.problems.answer_exception",
}

SPECTACULAR_SETTINGS: dict[str, Any] = {
    "TITLE": "AlphaFusion issue tracker",
    "DESCRIPTION": "Takes reports of what broke, and shows the issues that became of them.",
    "VERSION": "1",
    "OAS_VERSION": "3.1.0",
    # The default hook knows serializers only.
    "POSTPROCESSING_HOOKS": [],
    "SCHEMA_PATH_PREFIX": "/api/v1",
    "COMPONENT_SPLIT_PATCH": False,
}

# One issue with its trace; a larger body gets 413 before it is read.
DATA_UPLOAD_MAX_MEMORY_SIZE = 512 * 1024
APPEND_SLASH = True

SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SECURE = not DEBUG
CSRF_COOKIE_SECURE = not DEBUG
SECURE_SSL_REDIRECT = not DEBUG
# Services inside the cluster and probes call the API over plain HTTP, without a cookie.
SECURE_REDIRECT_EXEMPT = [r"^api/", r"^livez$", r"^readyz$", r"^metrics$"]
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
SECURE_HSTS_SECONDS = 0 if DEBUG else 31_536_000
SECURE_HSTS_INCLUDE_SUBDOMAINS = not DEBUG
SECURE_HSTS_PRELOAD = not DEBUG
X_FRAME_OPTIONS = "DENY"

LOGGING_CONFIG = "logging.config.dictConfig"
LOGGING = logging_config(ENVIRONMENT.log_format, ENVIRONMENT.log_level)
