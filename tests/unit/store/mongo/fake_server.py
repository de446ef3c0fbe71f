"""A MongoDB primary of one test: it speaks the wire protocol, notes every command, and answers by script.

https://www.mongodb.com/docs/manual/reference/mongodb-wire-protocol/. It holds one head document and knows no queries:
what it is for is to show which bytes the driver sends, and what the store makes of answers that no real server can be
brought to give on demand.
"""

from __future__ import annotations

import asyncio
import struct
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any, Final

import bson
from bson import Int64

from service.store.mongo.schema import SCHEMA_VERSION

Document = dict[str, Any]
Answer = Callable[[Document], Document | None]
"""An answer by script; None: the connection is cut before the answer goes out."""

OP_REPLY: Final = 1
OP_QUERY: Final = 2004
OP_MSG: Final = 2013
_HEADER: Final = struct.Struct("<iiii")
_HIDDEN: Final = frozenset({"hello", "ismaster", "isMaster", "endSessions", "killCursors", "ping"})


def transient(code: int = 112) -> Answer:
    """Answer with an error that asks for the whole transaction to be run again."""
    error = {"ok": 0.0, "code": code, "errmsg": "scripted", "errorLabels": ["TransientTransactionError"]}
    return lambda _: dict(error)


def refused(code: int) -> Answer:
    """Answer with an error that no repetition helps against."""
    return lambda _: {"ok": 0.0, "code": code, "errmsg": "scripted"}


def cut(_: Document) -> None:
    """Cut the connection instead of answering."""
    return


class FakeServer:
    """A server with sessions and transactions (``replicated``) or one without."""

    def __init__(self, *, replicated: bool = True):
        self.replicated = replicated
        self.port = 0
        self.commands: list[Document] = []
        self.script: dict[str, list[Answer | None]] = {}
        self.head: Document = {"_id": "head", "seq": Int64(0), "instant": Int64(0), "holder": None, "lease": 0.2}
        self.head |= {"beat": Int64(0), "claims": Int64(0)}
        self._pending: Document = {}

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"mongodb://127.0.0.1:{self.port}/"

    def names(self, start: int = 0) -> list[str]:
        """Return the names of the commands noted, from one on."""
        return [next(iter(command)) for command in self.commands[start:]]

    @asynccontextmanager
    async def running(self) -> AsyncIterator[FakeServer]:
        """Listen until the end of the block."""
        connections: set[asyncio.Task[None]] = set()

        async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            task = asyncio.current_task()
            assert task is not None
            connections.add(task)
            try:
                await self._serve(reader, writer)
            finally:
                connections.discard(task)
                writer.close()

        server = await asyncio.start_server(accept, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        try:
            yield self
        finally:
            server.close()
            await asyncio.gather(*connections, return_exceptions=True)
            await server.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            try:
                length, request, _, opcode = _HEADER.unpack(await reader.readexactly(_HEADER.size))
                body = await reader.readexactly(length - _HEADER.size)
            except (asyncio.IncompleteReadError, ConnectionError):
                return
            answer = self._answer(_query(body) if opcode == OP_QUERY else _message(body))
            if answer is None:
                return
            payload = bson.encode(answer)
            if opcode == OP_QUERY:
                payload = struct.pack("<iqii", 8, 0, 0, 1) + payload
            else:
                payload = struct.pack("<iB", 0, 0) + payload
            kind = OP_REPLY if opcode == OP_QUERY else OP_MSG
            writer.write(_HEADER.pack(_HEADER.size + len(payload), 0, request, kind) + payload)
            await writer.drain()

    def _answer(self, command: Document) -> Document | None:
        name = next(iter(command))
        if name not in _HIDDEN:
            self.commands.append(command)
        scripted = self.script.get(name)
        if scripted and (answer := scripted.pop(0)) is not None:
            return answer(command)
        return {"ok": 1.0, **self._usual(name, command)}

    def _usual(self, name: str, command: Document) -> Document:
        match name:
            case "hello" | "ismaster" | "isMaster":
                return self._hello()
            case "find":
                return {"cursor": {"id": Int64(0), "ns": "x.y", "firstBatch": self._found(command)}}
            case "findAndModify":
                self._pending = {}
                return {"value": dict(self.head)}
            case "insert":
                return {"n": len(command["documents"])}
            case "update":
                if command["update"] == "registry" and "autocommit" in command:
                    self._pending = dict(command["updates"][0]["u"]["$set"])
                return {"n": len(command["updates"]), "nModified": len(command["updates"])}
            case "commitTransaction":
                self.head.update(self._pending)
        return {}

    def _found(self, command: Document) -> list[Document]:
        if command["find"] != "registry":
            return []
        if command["filter"] == {"_id": "head"}:
            return [dict(self.head)]
        return [{"_id": "identity", "schema": SCHEMA_VERSION, "secret": bytes(32)}]

    def _hello(self) -> Document:
        limits = {"maxBsonObjectSize": 1 << 24, "maxMessageSizeBytes": 48_000_000, "maxWriteBatchSize": 100_000}
        answer: Document = {"ismaster": True, "helloOk": True, "minWireVersion": 0, "maxWireVersion": 21, **limits}
        if self.replicated:
            name = f"127.0.0.1:{self.port}"
            answer |= {"isWritablePrimary": True, "setName": "rs", "hosts": [name], "me": name, "primary": name}
            answer["logicalSessionTimeoutMinutes"] = 30
        return answer


def _query(body: bytes) -> Document:
    start = body.index(b"\0", 4) + 1 + 8  # flags, the collection's name, two numbers
    size = struct.unpack_from("<i", body, start)[0]
    return bson.decode(body[start : start + size])


def _message(body: bytes) -> Document:
    command: Document = {}
    place = 4  # flags
    while place < len(body):
        kind, size = body[place], struct.unpack_from("<i", body, place + 1)[0]
        section = body[place + 1 : place + 1 + size]
        if kind == 0:
            command = {**bson.decode(section), **command}
        else:
            end = section.index(b"\0", 4)
            command[section[4:end].decode()] = bson.decode_all(section[end + 1 :])
        place += 1 + size
    name = next(key for key in command if key not in ("documents", "updates", "deletes"))
    return {name: command[name], **command}
