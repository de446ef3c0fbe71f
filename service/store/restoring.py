"""Which place in the log each of some restored versions takes, the same for every store."""

from __future__ import annotations

from service.store.base import MAX_CHANGES, SEQ_BITS, NotRestorable, Restored


class Places:
    """Places after the head (``seq``, ``instant``), which moves with every version that takes one.

    ``taken`` is how many have been. A seq ends with its instant, and before a resource would be in it twice.
    """

    def __init__(self, seq: int, instant: int) -> None:
        self.seq, self.instant = seq, instant
        self.taken = 0
        self._names: set[tuple[str, str]] = set()
        self._fresh = True

    def take(self, restored: Restored) -> int:
        """Return the position for a version; raises :class:`NotRestorable` where its instant is before the head's."""
        if restored.instant < self.instant:
            raise NotRestorable.before_head(restored, self.instant)
        name = restored.change.type, restored.change.id
        if self._fresh or restored.instant > self.instant or name in self._names or len(self._names) == MAX_CHANGES:
            self.seq, self.instant, self._fresh = self.seq + 1, restored.instant, False
            self._names.clear()
        position = self.seq << SEQ_BITS | len(self._names)
        self._names.add(name)
        self.taken += 1
        return position
