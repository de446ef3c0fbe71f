"""The collector of cyclic garbage while a server runs, and while resources come in by the thousand.

What is loaded when a server starts stays; to look through all of it takes a tenth of a second in which nobody is
answered. What a request or an import makes has no cycles, and most of it goes as soon as it is done: looking for
garbage in it costs a tenth of a create and a fifth of an import. So it is looked for rarely, and not in what was there
before.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

RARELY: Final = 50_000
"""Objects more than before, after which the collector looks at the new ones during an import."""
SERVING: Final = 10_000
"""The same, of a server."""


class _Process:
    """Whether it serves, how many imports are under way, and how often the collector looked before the first."""

    serves = False
    running = 0
    thresholds = gc.get_threshold()


def settle() -> None:
    """Leave out of every search what a server has now that it is up, and look less often for the rest."""
    _Process.serves = True
    gc.collect()
    gc.freeze()
    gc.set_threshold(SERVING, *gc.get_threshold()[1:])


@contextmanager
def rarely() -> Iterator[None]:
    """Let the collector look rarely; of several that overlap the last one puts everything back."""
    if not _Process.running:
        _Process.thresholds = gc.get_threshold()
        gc.freeze()
        gc.set_threshold(RARELY, *_Process.thresholds[1:])
    _Process.running += 1
    try:
        yield
    finally:
        _Process.running -= 1
        if not _Process.running:
            gc.set_threshold(*_Process.thresholds)
            gc.unfreeze()
            if _Process.serves:
                settle()
