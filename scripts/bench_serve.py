#!/usr/bin/env python3
"""Loads ccexpert-serve with clients of all manners, and says what came of it.

    scripts/bench_serve.py [--server build/release/tools/ccexpert-serve] [--requests 300] [--clients 1,8,64] [--url URL]

For each number of clients: that many connections ask for captions of a few pairs; one request in ten is malformed, and
beside them some clients hang up, send half, or crawl. Every good answer is compared with the caption that the pair got
alone. Prints pairs/s, percentiles of the seconds, statuses and the server's memory; the exit code is 1 if an answer was
lost or wrong. --peer PYTHON then loads FastAPI with transformers (peers/http_server.py) in the same way, with well-behaved
clients alone: PYTHON has torch, transformers, fastapi and uvicorn. --url loads a server that runs already.
"""
import argparse
import asyncio
import base64
import collections
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from urllib.parse import urlparse

ROOT = Path(__file__).resolve().parent.parent
PAIR = [ROOT / "docs/images/demo" / name for name in ("before.png", "after.png")]


def b64(data):
    return base64.b64encode(data).decode()


def bodies():
    """A changed pair, its reverse, and an image against itself: three captions that differ."""
    before, after = (path.read_bytes() for path in PAIR)
    return [json.dumps({"before": b64(a), "after": b64(b), "max_new_tokens": 32}).encode()
            for a, b in ((before, after), (after, before), (after, after))]


MALFORMED = [
    (b"{\"before\": ", 400), (b"[]", 400), (b"\xff\xfe{}", 400), (b"{}", 422),
    (json.dumps({"before": "bm8=", "after": "bm8="}).encode(), 422),
    (json.dumps({"before": "http://example.org/", "after": "x"}).encode(), 422),
    (json.dumps({"before": b64(PAIR[0].read_bytes()[:200]), "after": "bm8="}).encode(), 422),
    (json.dumps({"before": "bm8=", "after": "bm8=", "beams": "many"}).encode(), 422),
]


class Client:
    """A connection that is opened again if the server closes it."""

    def __init__(self, address):
        self.address = address
        self.streams = None

    async def open(self):
        self.streams = await asyncio.open_connection(self.address.hostname, self.address.port)

    def close(self):
        if self.streams:
            self.streams[1].close()
        self.streams = None

    def head(self, size):
        return (f"POST /v1/captions HTTP/1.1\r\nHost: {self.address.netloc}\r\nContent-Type: application/json\r\n"
                f"Content-Length: {size}\r\n\r\n").encode()

    async def ask(self, body):
        if not self.streams:
            await self.open()
        reader, writer = self.streams
        writer.write(self.head(len(body)) + body)
        await writer.drain()
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        status = int(head.split(" ", 2)[1])
        answer = await reader.readexactly(int(re.search(r"content-length: (\d+)", head, re.I).group(1)))
        if re.search(r"connection: close", head, re.I):
            self.close()
        return status, answer


class Load:
    def __init__(self, address, expected, requests):
        self.address, self.expected = address, expected
        self.left = requests
        self.seconds, self.statuses, self.faults = [], collections.Counter(), []
        self.done = False

    async def one(self, client, number):
        if number % 10 == 9:
            body, expected = MALFORMED[number // 10 % len(MALFORMED)]
            status, _ = await client.ask(body)
            self.statuses[status] += 1
            # A peer has its own statuses for what is wrong.
            if status != expected and not (self.is_peer and 400 <= status < 500):
                self.faults.append(f"a malformed request got {status} in place of {expected}")
            return
        which = number % len(self.expected)
        start = time.monotonic()
        while True:
            status, answer = await client.ask(self.bodies[which])
            self.statuses[status] += 1
            if status != 429:
                break
            await asyncio.sleep(0.1)
        self.seconds.append(time.monotonic() - start)
        if status != 200 or json.loads(answer)["caption"] != self.expected[which]:
            self.faults.append(f"{status}: {answer[:200]!r}")

    async def good(self):
        client = Client(self.address)
        while self.left > 0:
            self.left -= 1
            try:
                await self.one(client, self.left)
            except (OSError, asyncio.IncompleteReadError) as error:
                self.faults.append(f"a connection broke: {error!r}")
                client.close()
        client.close()

    async def bad(self, manner):
        """Clients that leave while the server works, send half of a request, or crawl."""
        while not self.done:
            client = Client(self.address)
            try:
                await client.open()
                _, writer = client.streams
                body = self.bodies[0]
                if manner == "leaves":
                    writer.write(client.head(len(body)) + body)
                    await writer.drain()
                    await asyncio.sleep(0.03)
                elif manner == "half":
                    writer.write(client.head(len(body)) + body[:len(body) // 2])
                    await writer.drain()
                    await asyncio.sleep(0.2)
                else:
                    for byte in b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nX: " + b"x" * 40:
                        if self.done:
                            break
                        writer.write(bytes([byte]))
                        await writer.drain()
                        await asyncio.sleep(0.25)
            except OSError:
                pass
            client.close()
            await asyncio.sleep(0.1)

    async def run(self, clients, bodies_, with_bad):
        self.bodies, self.is_peer = bodies_, not with_bad
        bad = [asyncio.create_task(self.bad(manner)) for manner in ("leaves", "half", "crawls", "crawls")] if with_bad else []
        start = time.monotonic()
        await asyncio.gather(*(self.good() for _ in range(clients)))
        wall = time.monotonic() - start
        self.done = True
        await asyncio.gather(*bad)
        return wall


def percentile(values, share):
    return sorted(values)[min(len(values) - 1, int(share * len(values)))]


async def memory(address):
    reader, writer = await asyncio.open_connection(address.hostname, address.port)
    writer.write(f"GET /metrics HTTP/1.1\r\nHost: {address.netloc}\r\nConnection: close\r\n\r\n".encode())
    text = (await reader.read()).decode()
    writer.close()
    found = re.search(r"^process_resident_memory_bytes (\S+)", text, re.M)
    return float(found.group(1)) / 1e6 if found else float("nan")


async def bench(address, arguments, is_peer):
    made, client, expected = bodies(), Client(address), []
    for body in made:
        status, answer = await client.ask(body)
        if status != 200:
            raise SystemExit(f"the first caption failed: {status} {answer[:300]!r}")
        expected.append(json.loads(answer)["caption"])
    client.close()
    print("captions: " + " | ".join(expected))
    print(f"{'clients':>7} {'answers':>7} {'pairs/s':>8} {'p50':>7} {'p95':>7} {'p99':>7} {'MB':>7}  statuses")
    faults = 0
    for clients in arguments.clients:
        load = Load(address, expected, arguments.requests)
        wall = await load.run(clients, made, not is_peer)
        used = float("nan") if is_peer else await memory(address)
        row = " ".join(f"{percentile(load.seconds, share):7.3f}" for share in (0.5, 0.95, 0.99))
        print(f"{clients:7} {sum(load.statuses.values()):7} {len(load.seconds) / wall:8.2f} {row} {used:7.1f}  "
              f"{dict(sorted(load.statuses.items()))}", flush=True)
        for fault in load.faults[:5]:
            print("  fault: " + fault)
        faults += len(load.faults)
    print("nothing lost, nothing wrong" if not faults else f"{faults} faults")
    return 1 if faults else 0


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--server", default=str(ROOT / "build/release/tools/ccexpert-serve"))
    parser.add_argument("--options", default="", help="further options of the server")
    parser.add_argument("--threads", type=int, default=2, help="of the model")
    parser.add_argument("--peer", default="", help="a Python with the packages of the peer")
    parser.add_argument("--url", default="", help="a server that runs already")
    parser.add_argument("--requests", type=int, default=300, help="of each number of clients")
    parser.add_argument("--clients", type=lambda text: [int(each) for each in text.split(",")], default=[1, 8, 64])
    arguments = parser.parse_args()
    if arguments.url:
        return asyncio.run(bench(urlparse(arguments.url), arguments, True))
    code = load_server(arguments)
    if arguments.peer:
        code = load_peer(arguments) or code
    return code


def load_server(arguments):
    server = subprocess.Popen([arguments.server, "--listen", "127.0.0.1:0", "--access-log", "/dev/null",
                               "--threads", str(arguments.threads), *arguments.options.split()],
                              stderr=subprocess.PIPE, text=True, env={**os.environ, "OMP_WAIT_POLICY": "passive"})
    address = urlparse(re.search(r"http://\S+", server.stderr.readline()).group())
    for line in server.stderr:
        if line.strip() == "ccexpert-serve: ready":
            break
    try:
        code = asyncio.run(bench(address, arguments, False))
    finally:
        server.send_signal(signal.SIGTERM)
        ended = server.wait(60)
    if ended != 0:
        print(f"the server ended with {ended}")
    return code or ended


def load_peer(arguments):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    peer = subprocess.Popen([arguments.peer, "-m", "peers.http_server", str(ROOT / "models/demo"), str(port), str(arguments.threads)],
                            cwd=ROOT / "scripts")
    try:
        for _ in range(600):
            if peer.poll() is not None:
                raise SystemExit("the peer did not start")
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.1)
        print("FastAPI and transformers:")
        return asyncio.run(bench(urlparse(f"http://127.0.0.1:{port}"), arguments, True))
    finally:
        peer.terminate()
        peer.wait(60)


if __name__ == "__main__":
    sys.exit(main())
