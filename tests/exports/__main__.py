"""``python -m tests.exports --count 40``."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))  # as pytest has it

from exports.campaign import main

main()
