"""Before anything is imported: other libraries compute on one thread, as fastperc does here."""

from fastperc.measuring.threads import pin_threads

pin_threads()
