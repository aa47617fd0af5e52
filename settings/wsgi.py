"""The WSGI application that granian serves."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "settings.base")

application = get_wsgi_application()

from issuetracker.publisher import get_publisher  # noqa: E402 - needs the settings

# Every worker imports this anew: its producer connects before the first report comes.
get_publisher()
