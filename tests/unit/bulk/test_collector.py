"""The collector of garbage during an import, and in a server."""

from __future__ import annotations

import gc
from collections.abc import Iterator

import pytest

from service.bulk import collector
from service.bulk.collector import RARELY, SERVING, rarely, settle


@pytest.fixture
def restored(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Put back what a server sets for its whole life."""
    before = gc.get_threshold()
    monkeypatch.setattr(collector._Process, "serves", False)  # undone at the end
    yield
    gc.unfreeze()
    gc.set_threshold(*before)


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


@pytest.mark.usefixtures("restored")
def test_a_server_stays_settled() -> None:
    """What was loaded at the start is not looked through again, after an import neither."""
    settle()
    frozen = gc.get_freeze_count()
    assert frozen > 0
    assert gc.get_threshold()[0] == SERVING
    with rarely():
        assert gc.get_threshold()[0] == RARELY
    assert gc.get_threshold()[0] == SERVING
    assert gc.get_freeze_count() > frozen - 1000
