"""Known mistakes of networks written from scratch: their names, and which one it is.

`likely` asks a function for some more steps and looks for the mistake that gives the same numbers:
`options` is the table of what may be wrong within a step, `search` goes through it layer by layer,
`decays` fits a penalty, `schedules` tries what goes wrong from step to step, with the `runs` of the
reference.
"""

from __future__ import annotations

from .likely import Likely, likely_cause
from .names import CAUSES

__all__ = ["CAUSES", "Likely", "likely_cause"]
