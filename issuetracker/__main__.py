"""``python -m issuetracker`` is the ``issuetracker`` command."""

import sys

from issuetracker.cli import main

sys.exit(main())
