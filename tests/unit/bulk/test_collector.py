"""The collector of garbage during an import."""

from __future__ import annotations

import gc

from service.bulk.collector import RARELY, rarely


def test_everything_is_put_back() -> None:
    """Imports that overlap share the rare collections; after the last of them all is as it was before the first."""
    before = gc.get_threshold()
    first, second = rarely(), rarely()
    with first:
        second.__enter__()
        assert gc.get_freeze_count() > 0
    assert gc.get_threshold()[0] == RARELY
    second.__exit__(None, None, None)
    assert gc.get_threshold() == before
    assert gc.get_freeze_count() == 0
