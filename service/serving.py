"""Running the server: one process, or several on the same socket."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable

import uvicorn
from fastapi import FastAPI
from uvicorn.supervisors import Multiprocess

from service.bulk.collector import settle
from service.compose import create_app
from service.settings import Settings


class _Server(uvicorn.Server):
    """Says so when it is ready to answer."""

    def __init__(self, config: uvicorn.Config, ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._ready = ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            self._ready()


def served() -> FastAPI:
    """Return the application of a process that does nothing but serve, with the settings of the environment."""
    return create_app(ready=settle)


def run_server(settings: Settings, ready: Callable[[str], None]) -> None:
    """Serve until a signal ends it; ``ready`` is called with the address once requests are answered.

    Raises OSError where the address cannot be listened on.
    """
    for name in Settings.model_fields:  # what every process builds its application from
        if (value := settings.as_text(name)) is not None:
            os.environ[f"TRIAL_REGISTRY_{name.upper()}"] = value
    config = uvicorn.Config(
        "service.serving:served",
        factory=True,
        host=settings.host,
        port=settings.port,
        workers=settings.workers,
        log_level=settings.log_level,
        access_log=settings.log_level == "debug",
        server_header=False,
        timeout_graceful_shutdown=30,
    )
    listening = _listen(settings.host, settings.port)
    address = _address(settings.host, listening.getsockname()[1])
    if settings.workers == 1:
        server = _Server(config, lambda: ready(address))
        server.run(sockets=[listening])
        if not server.started:
            raise SystemExit(3)
        return
    listening.listen(config.backlog)  # whoever comes before the processes are up waits, and is not turned away
    ready(address)
    Multiprocess(config, sockets=[listening]).run()


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = socket.socket(family)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listening.bind((host, port))
    listening.set_inheritable(True)
    return listening


def _address(host: str, port: int) -> str:
    shown = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host, f"[{host}]" if ":" in host else host)  # noqa: S104
    return f"http://{shown}:{port}"
