"""Settings of the test suite: development rules, and addresses that its fixtures fill in."""

import os

os.environ["DJANGO_DEBUG"] = "1"

from settings.base import *  # noqa: F403

# Cheap on purpose: the suite makes many users and tests none of the hash's strength.
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
