"""NDJSON files that grow (https://github.com/ndjson/ndjson-spec), one after the other, plain or packed with gzip."""

from __future__ import annotations

import gzip
import os
from collections.abc import Sequence
from typing import BinaryIO, Final

from service.bulk.folder import Folder
from service.bulk.job import File, Kind, State

FILE_LINES: Final = 100_000
FILE_BYTES: Final = 512 * 1024 * 1024
"""Lines, and bytes of text, after which another file is begun."""
_LEVEL: Final = 4
_LINE_ENDS: Final = bytes.maketrans(b"\r\n", b"  ")


class Output:
    """The files of one kind and type of a job.

    The state knows of what was added once :meth:`settle` has returned. Each piece of a packed file is a gzip member of
    its own, so that such a file may be cut off where a piece ends.
    """

    def __init__(self, job: Folder[State], state: State, kind: Kind, type_: str) -> None:
        self._job, self._state = job, state
        self._kind, self._type = kind, type_
        self._current: tuple[File, BinaryIO] | None = None
        self._full: list[BinaryIO] = []
        own = [file for file in state.files if file.kind == kind and file.type == type_]
        self._number = len(own)
        if own:
            stream = (job.folder / own[-1].name).open("r+b")
            stream.truncate(own[-1].bytes)
            stream.seek(own[-1].bytes)
            self._current = own[-1], stream

    def add(self, lines: Sequence[bytes], *, whole: bool = False) -> None:
        """Write resources, each the text of one; ``whole``: all into one file."""
        if whole:
            file, stream = self._current or self._begin()
            size = sum(map(len, lines)) + len(lines)
            if file.count and (file.count + len(lines) > FILE_LINES or file.text + size > FILE_BYTES):
                self._end(stream)
                file, stream = self._begin()
            self._write(file, stream, lines)
            return
        start = 0
        while start < len(lines):
            file, stream = self._current or self._begin()
            room = FILE_LINES - file.count
            end, size = start, 0
            for line in lines[start : start + room]:
                if (file.text or size) and file.text + size + len(line) >= FILE_BYTES:
                    break
                size += len(line) + 1
                end += 1
            if end == start:
                self._end(stream)
                continue
            self._write(file, stream, lines[start:end])
            start = end
            if file.count == FILE_LINES:
                self._end(stream)

    def settle(self) -> None:
        """Bring everything to the disk."""
        for stream in self._streams():
            stream.flush()
            os.fsync(stream.fileno())
        for stream in self._full:
            stream.close()
        self._full.clear()
        self._job.sync()

    def close(self) -> None:
        """Close what is open, settled or not."""
        for stream in self._streams():
            stream.close()

    def _streams(self) -> list[BinaryIO]:
        return [*self._full, *([self._current[1]] if self._current else [])]

    def _begin(self) -> tuple[File, BinaryIO]:
        self._number += 1
        stem = {"output": self._type, "deleted": f"deleted-{self._type}"}.get(self._kind, self._kind)
        suffix = ".gz" if self._state.request.gzip else ""
        file = File(self._kind, self._type, f"{stem}.{self._number:04}.ndjson{suffix}")
        self._state.files.append(file)
        self._current = file, (self._job.folder / file.name).open("wb")
        return self._current

    def _end(self, stream: BinaryIO) -> None:
        self._full.append(stream)
        self._current = None

    def _write(self, file: File, stream: BinaryIO, lines: Sequence[bytes]) -> None:
        text = b"\n".join([_one_line(line) for line in lines]) + b"\n"
        packed = gzip.compress(text, _LEVEL, mtime=0) if self._state.request.gzip else text
        stream.write(packed)
        file.count += len(lines)
        file.bytes += len(packed)
        file.text += len(text)


def _one_line(json: bytes) -> bytes:
    """Return JSON without line ends: they stand between tokens, never in a string, and there a space means the same."""
    return json.translate(_LINE_ENDS) if b"\n" in json or b"\r" in json else json
