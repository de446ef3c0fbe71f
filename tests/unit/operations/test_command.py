"""Commands and a server on the same store: what one defines, the other uses."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import httpx

from tests.unit.operations.test_indexer import ALIAS, group
from tests.unit.test_cli import run, served, wait_for


def found(base: str) -> tuple[int, list[str]]:
    """Search by the parameter; return the status and the ids."""
    response = httpx.get(f"{base}/Group?alias=berlin&_sort=_id", timeout=60)
    body: dict[str, Any] = response.json()
    return response.status_code, [entry["resource"]["id"] for entry in body.get("entry", ())]


def test_reindex(tmp_path: Path) -> None:
    """It adds the rows of everything; to do it again changes nothing."""
    store = f"sqlite:///{tmp_path / 'registry.db'}"
    (tmp_path / "group.json").write_bytes(group("a"))
    assert run("load", tmp_path / "group.json", "--store", store).exit_code == 0
    for _ in range(2):
        result = run("reindex", "--store", store)
        assert (result.exit_code, result.output.strip()) == (0, "Versions of resources that are indexed: 1.")


def test_a_command_beside_a_server(tmp_path: Path) -> None:
    """A definition that is loaded while servers run is used by each of them soon after, for what is there and comes."""
    store = f"sqlite:///{tmp_path / 'registry.db'}"
    (tmp_path / "alias.json").write_text(json.dumps(ALIAS))
    with served("--store", store, "--workers", "2") as (_, base):
        wait_for(base)
        headers = {"Content-Type": "application/fhir+json"}
        httpx.put(f"{base}/Group/a", content=group("a"), headers=headers, timeout=60).raise_for_status()
        assert found(base) == (400, [])
        assert run("load", tmp_path / "alias.json", "--store", store).exit_code == 0
        httpx.put(f"{base}/Group/b", content=group("b"), headers=headers, timeout=60).raise_for_status()
        seen = 0
        for _ in range(200):  # each of the processes may answer: until they all have for a while
            seen = seen + 1 if found(base) == (200, ["a", "b"]) else 0
            if seen == 30:
                break
            time.sleep(0.1)
        assert seen == 30
