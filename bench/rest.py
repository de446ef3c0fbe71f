"""Reads and validated, durable creates per second on one worker, against a bare ASGI application on the same machine.

    python -m bench.rest [--seconds 5] [--connections 32] [--store sqlite:///FILE]

Needs wrk (Debian's package of that name). The server has one core and the load another, where the machine has two. The
absolute figures are this machine's; the ratios travel better, and the median of three rounds better still.
"""

from __future__ import annotations

import argparse
import json
import re
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

ROOT = Path(__file__).parent.parent
STUDY = ROOT / "seed_bundles" / "nct02187354.json"
ROUNDS = 3

Workload = tuple[str, str, bytes | None]


async def bare(scope: dict[str, str], receive: Callable[..., object], send: Callable[..., object]) -> None:
    """The least that an ASGI application can do: answer eight kilobytes."""
    del receive
    if scope["type"] == "http":
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"8192")]})  # type: ignore[misc]
        await send({"type": "http.response.body", "body": b"x" * 8192})  # type: ignore[misc]


def main() -> None:
    """Run the workloads and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=int, default=5)
    parser.add_argument("--connections", type=int, default=32)
    parser.add_argument("--store", help="another store than an SQLite file of its own")
    options = parser.parse_args()
    if shutil.which("wrk") is None:
        sys.exit("wrk is not installed; it is in the Debian package wrk.")
    bundle = json.loads(STUDY.read_bytes())
    study = next(entry["resource"] for entry in bundle["entry"] if entry["resource"]["resourceType"] == "ResearchStudy")
    evidence = next(entry["resource"] for entry in bundle["entry"] if entry["resource"]["resourceType"] == "Evidence")
    body = json.dumps(study, separators=(",", ":"), ensure_ascii=False).encode()
    with tempfile.TemporaryDirectory() as folder:
        store = options.store or f"sqlite:///{folder}/bench.db"
        subprocess.run(
            [*_python(), "-m", "service.cli", "load", str(STUDY.parent), "--store", store], check=True, cwd=ROOT
        )
        workloads: list[Workload] = [
            ("read", f"/fhir/ResearchStudy/{study['id']}", None),
            ("search, page of 20", "/fhir/Evidence?_count=20&_total=none", None),
            ("search by identifier", f"/fhir/Evidence?identifier={evidence['identifier'][0]['value']}", None),
            (f"create, {len(body):,} bytes", "/fhir/ResearchStudy", body),
        ]
        with (
            _served(["-m", "uvicorn", "bench.rest:bare", "--log-level", "warning"], "/") as bare_url,
            _served(
                ["-m", "service.cli", "serve", "--store", store, "--log-level", "warning"], "/fhir/metadata"
            ) as url,
        ):
            _report(options, bare_url, url, workloads)


def _report(options: argparse.Namespace, bare_url: str, url: str, workloads: list[Workload]) -> None:
    rates: dict[str, list[float]] = {}
    tails: dict[str, list[float]] = {}
    for _ in range(ROUNDS):  # interleaved, so that a busy moment of the machine falls on all alike
        for name, path, body in [("bare ASGI", "/", None), *workloads]:
            rate, tail = _load(options, (bare_url if name == "bare ASGI" else url) + path, body)
            rates.setdefault(name, []).append(rate)
            tails.setdefault(name, []).append(tail)
    reference = statistics.median(rates["bare ASGI"])
    print(f"\n{'workload':<24}{'per second':>12}{'ratio':>9}{'p99 ms':>9}")
    for name, found in rates.items():
        rate = statistics.median(found)
        print(f"{name:<24}{rate:>12,.0f}{rate / reference:>9.3f}{statistics.median(tails[name]):>9.1f}")


def _load(options: argparse.Namespace, url: str, body: bytes | None) -> tuple[float, float]:
    command = ["wrk", "-t1", f"-c{options.connections}", f"-d{options.seconds}s", "--latency"]
    with tempfile.NamedTemporaryFile("wb", suffix=".lua") as script:
        if body is not None:
            text = body.decode().replace("]==]", "")
            script.write(
                f'wrk.method = "POST"\nwrk.headers["Content-Type"] = "application/fhir+json"\n'
                f'wrk.headers["Prefer"] = "return=minimal"\nwrk.body = [==[{text}]==]\n'.encode()
            )
            script.flush()
            command += ["-s", script.name]
        done = subprocess.run([*_pinned(1), *command, url], check=True, capture_output=True, text=True)
    if "Non-2xx" in done.stdout:
        sys.exit(f"{url} was refused:\n{done.stdout}")
    rate = re.search(r"Requests/sec:\s+([\d.]+)", done.stdout)
    tail = re.search(r"99%\s+([\d.]+)(us|ms|s)", done.stdout)
    if rate is None or tail is None:
        sys.exit(f"wrk said what is not understood:\n{done.stdout}")
    return float(rate[1]), float(tail[1]) * {"us": 0.001, "ms": 1, "s": 1000}[tail[2]]


@contextmanager
def _served(arguments: list[str], path: str) -> Iterator[str]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    server = subprocess.Popen(
        [*_pinned(0), *_python(), *arguments, "--port", str(port)], cwd=ROOT, stdout=subprocess.DEVNULL
    )
    url = f"http://127.0.0.1:{port}"
    try:
        for _ in range(200):
            try:
                httpx.get(url + path).raise_for_status()
                break
            except httpx.TransportError:
                time.sleep(0.05)
        else:
            sys.exit(f"{arguments} does not answer")
        yield url
    finally:
        server.terminate()
        server.wait()


def _python() -> list[str]:
    return [sys.executable]


def _pinned(core: int) -> list[str]:
    return ["taskset", "-c", str(core)] if shutil.which("taskset") else []


if __name__ == "__main__":
    main()
