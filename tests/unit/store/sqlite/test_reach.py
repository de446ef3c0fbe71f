"""What a process remembers of the table ``reach`` while others write to the same file."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from service.search.rows import RangeRow, Row, TermRow
from service.store.sqlite import index_rows, open_store
from tests.contract.making import put, write

pytestmark = pytest.mark.anyio

FAR_APART = [TermRow("name", "a"), TermRow("name", "z")]


async def test_what_another_process_removed_is_written_again(tmp_path: Path) -> None:
    """What is known to be there is known until another process has written: it may have removed it."""
    path = tmp_path / "registry.db"
    one, other = await open_store(str(path)), await open_store(str(path))
    reader = sqlite3.connect(path)

    def reaches() -> int:
        number: int = reader.execute("SELECT count(*) FROM reach").fetchone()[0]
        return number

    await write(one, put("first", rows=FAR_APART))
    before = reaches()
    await other.remove_rows(["name"])
    assert (before, reaches()) == (2, 0)
    await write(one, put("second", rows=FAR_APART))
    assert reaches() == before
    reader.close()
    await one.close()
    await other.close()


async def test_what_waits_is_not_forgotten(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """However little is remembered, of the reaches in one commit the furthest is what is written."""
    monkeypatch.setattr(index_rows, "KNOWN_REACHES", 0)
    path = tmp_path / "registry.db"
    store = await open_store(str(path))
    nearer = [TermRow("name", "a"), TermRow("name", "m")]
    await write(store, put("first", rows=FAR_APART), put("second", rows=nearer))
    reader = sqlite3.connect(path)
    assert reader.execute("SELECT reach FROM reach WHERE label = 'a'").fetchall() == [("z ",)]
    reader.close()
    await store.close()


async def test_components_have_no_reaches(tmp_path: Path) -> None:
    """Nobody sorts by a component of a composite: nothing is written for it, at once or later."""
    path = tmp_path / "registry.db"
    store = await open_store(str(path))
    rows: list[Row] = [
        TermRow("pair$0", "a", part=1),
        TermRow("pair$0", "z", part=1),
        RangeRow("pair$1", "1", "2", part=1),
    ]
    [version] = await write(store, put("first", rows=rows))
    await store.add_rows([(version.position, [*rows, TermRow("pair$0", "m", part=2)])])
    reader = sqlite3.connect(path)
    assert reader.execute("SELECT count(*) FROM reach").fetchone() == (0,)
    reader.close()
    await store.close()
