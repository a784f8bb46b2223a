"""``python -m fastperc``, for where the command is not on the path."""

import sys

from .commands.main import main

sys.exit(main())
