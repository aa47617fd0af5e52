"""The WSGI application that granian serves."""

import gc
import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "settings.base")

application = get_wsgi_application()

from issuetracker.accepting import warm_up  # noqa: E402 - needs the settings
from settings import urls  # noqa: E402, F401 - all pages, before the first request

# Every worker imports this anew: it connects before the first report comes.
warm_up()

# All of this stays: collections need not look through it again and again.
gc.collect()
gc.freeze()
