"""The collector of cyclic garbage while resources come in by the thousand.

What an import makes has no cycles, and most of it goes as soon as it is written. Looking for garbage in it, and in all
that the process holds, costs a fifth of the import; so it is looked for rarely, and not in what was there before.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

RARELY: Final = 50_000
"""Objects more than before, after which the collector looks at the new ones."""


class _Imports:
    """How many are under way in this process, and how often the collector looked before the first of them."""

    running = 0
    thresholds = gc.get_threshold()


@contextmanager
def rarely() -> Iterator[None]:
    """Let the collector look rarely; of several that overlap the last one puts everything back."""
    if not _Imports.running:
        _Imports.thresholds = gc.get_threshold()
        gc.freeze()
        gc.set_threshold(RARELY, *_Imports.thresholds[1:])
    _Imports.running += 1
    try:
        yield
    finally:
        _Imports.running -= 1
        if not _Imports.running:
            gc.set_threshold(*_Imports.thresholds)
            gc.unfreeze()
