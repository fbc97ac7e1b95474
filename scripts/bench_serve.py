#!/usr/bin/env python3
"""Loads ccexpert-serve with clients of all manners, and says what came of it.

    scripts/bench_serve.py [--server build/release/tools/ccexpert-serve] [--requests 3000] [--clients 1,8,64] [--url URL]

The requests are shared by 1, 8 and 64 clients (in proportion to their number, 8 at most). Good ones ask about many pairs
as JSON, forms, streams and OpenAI's chat; every caption is compared with that of ccexpert-caption. One request in ten is
malformed, in about forty ways, each with its own status. Beside them clients hang up, send half, crawl and take no answer;
the server must end those that are slow. A warm-up of the most clients comes first. After it, memory, threads and
descriptors of the quiet server must stay as they are. Prints pairs/s, percentiles of the seconds, statuses and memory; the
exit code is 1 if anything was lost, wrong or grew.

--peer PYTHON then loads FastAPI with transformers (peers/http_server.py), with well-behaved clients and JSON alone: PYTHON
has torch, transformers, fastapi and uvicorn. --url loads a server that runs already in this way.
"""
import argparse
import asyncio
import json
import os
import re
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from urllib.parse import urlparse

from serve_load import LIMITS, Cases, Client, Load
from serve_process import ServeProcess, ServerFailed
from serve_requests import ROOT, TOKENS, good_requests, pairs


class Watch:
    """Memory, threads and descriptors of a process."""

    def __init__(self, process):
        self.process, self.samples = process, []

    def sample(self):
        status = (Path("/proc") / str(self.process) / "status").read_text()

        def number(name):
            return int(re.search(rf"^{name}:\s+(\d+)", status, re.M).group(1))
        return {"MB": number("VmRSS") / 1000, "peak": number("VmHWM") / 1000, "threads": number("Threads"),
                "descriptors": len(os.listdir(f"/proc/{self.process}/fd"))}

    async def run(self, load, progress):
        """Keeps a sample a second, and prints one each `progress` seconds."""
        start = told = time.monotonic()
        while True:
            await asyncio.sleep(1)
            self.samples.append(self.sample())
            if progress and time.monotonic() - told >= progress:
                told = time.monotonic()
                print(f"  after {told - start:6.0f} s: {load.answered} answers, {shown(self.samples[-1])}", flush=True)


def shown(sample):
    return "{MB:.1f} MB (peak {peak:.1f}), {threads} threads, {descriptors} descriptors".format(**sample)


async def metrics(address):
    client = Client(address, 60)
    _, body = await client.ask(f"GET /metrics HTTP/1.1\r\nHost: {address.netloc}\r\nConnection: close\r\n\r\n".encode())
    client.close()
    return {name: float(value) for name, value in re.findall(r"^(\w+(?:\{.*\})?) (\S+)$", body.decode(), re.M)}


async def quiet(address, watch):
    """The server's state after all connections have ended."""
    for _ in range(600):
        state = await metrics(address)
        busy = [state.get(f"ccexpert_{name}", 0) for name in ("connections", "captions_waiting", "captions_running")]
        if busy == [1, 0, 0]:
            await asyncio.sleep(1)  # its threads are joined by the next connection
            await metrics(address)
            await asyncio.sleep(0.5)
            return watch.sample()
        await asyncio.sleep(0.1)
    raise SystemExit(f"a minute after all clients had left, the server has {busy} connections and captions")


def percentile(values, share):
    return sorted(values)[min(len(values) - 1, int(share * len(values)))] if values else float("nan")


def shares(requests, clients):
    """The single client has the smallest part of the requests: it is the slowest."""
    weights = [min(each, 8) for each in clients]
    return [max(each, round(requests * weight / sum(weights))) for each, weight in zip(clients, weights)]


def growth(before, after, margin):
    """Sentences about what grew between two quiet states."""
    found = []
    if after["MB"] > before["MB"] + margin:
        found.append(f"memory grew from {before['MB']:.1f} to {after['MB']:.1f} MB")
    found += [f"{name} grew from {before[name]} to {after[name]}" for name in ("threads", "descriptors")
              if after[name] > before[name]]
    return found


async def bench(address, cases, arguments, process=None):
    is_peer, faults = process is None, 0
    watch = Watch(process)

    async def run(clients, requests):
        load = Load(address, cases, arguments, is_peer)
        watching = None if is_peer else asyncio.create_task(watch.run(load, arguments.progress))
        wall = await load.run(clients, requests)
        if watching:
            watching.cancel()
        return load, wall

    if not is_peer:
        load, _ = await run(max(arguments.clients), arguments.warm_up)
        faults += len(load.faults)
        first = last = await quiet(address, watch)
        print(f"after the warm-up: {shown(first)}")
    print(f"{'clients':>7} {'answers':>7} {'pairs/s':>8} {'p50':>7} {'p95':>7} {'p99':>7} {'MB':>7}  statuses")
    for clients, requests in zip(arguments.clients, shares(arguments.requests, arguments.clients)):
        watch.samples.clear()
        load, wall = await run(clients, requests)
        row = " ".join(f"{percentile(load.seconds, share):7.3f}" for share in (0.5, 0.95, 0.99))
        used = statistics.median(each["MB"] for each in watch.samples) if watch.samples else float("nan")
        print(f"{clients:7} {load.answered:7} {len(load.seconds) / wall:8.2f} {row} {used:7.1f}  "
              f"{dict(sorted(load.statuses.items()))}", flush=True)
        faults += len(load.faults)
        if not is_peer:
            last = await quiet(address, watch)
            print(f"  quiet again: {shown(last)}; ended beside them: {load.bad}", flush=True)
    if not is_peer:
        for each in growth(first, last, arguments.memory_margin):
            print("  fault: " + each)
            faults += 1
    print("nothing lost, nothing wrong" if not faults else f"{faults} faults")
    return 1 if faults else 0


def command_line_captions(program, images, options):
    """The captions that ccexpert-caption gives, the reference of all answers."""
    with tempfile.TemporaryDirectory() as folder:
        for side, name in enumerate(("A", "B")):
            (Path(folder) / name).mkdir()
            for number, pair in enumerate(images):
                (Path(folder) / name / f"{number:04}.png").write_bytes(pair[side])
        output = Path(folder) / "captions.jsonl"
        subprocess.run([program, "--before", f"{folder}/A", "--after", f"{folder}/B", "--format", "jsonl", "--output", output,
                        "--quiet", "--max-new-tokens", str(TOKENS), *options], check=True)
        captions = {line["uid"]: line["caption"] for line in map(json.loads, output.read_text().splitlines())}
    return [captions[each] for each in sorted(captions)]


def load_server(arguments, images):
    model = [*(["--model", arguments.model] if arguments.model else []), "--threads", str(arguments.threads)]
    program = arguments.caption or Path(arguments.server).parent / "ccexpert-caption"
    captions = command_line_captions(program, images, model)
    print(f"{len(images)} pairs, {len(set(captions))} different captions, for instance: " + " | ".join(captions[:3]))
    limits = [text for name, value in LIMITS.items() for text in (f"--{name}-timeout", str(value))]
    try:
        server = ServeProcess(arguments.server, *model, *limits, *arguments.options.split())
    except ServerFailed as error:
        raise SystemExit(f"the server did not start: {error}") from None
    try:
        address = urlparse(server.address)
        code = asyncio.run(bench(address, Cases(address, images, captions, False), arguments, server.process.pid))
    except (OSError, EOFError) as error:
        code = 1
        print(f"  fault: the server does not answer any more: {error!r}")
    finally:
        ended = server.end()
    said = server.said()
    if ended != 0 or code != 0 or "ERROR" in said:
        print(f"the server ended with {ended}; the end of its log:\n{said[-8000:]}")
    return code or ended


def load_other(address, arguments, images):
    """Loads a server whose captions are its own: those that it gives to a single client."""
    async def run():
        client, captions = Client(address, arguments.patience), []
        for before, after in images:
            status, body = await client.ask(good_requests(address.netloc, before, after)["json"][0])
            if status != 200:
                raise SystemExit(f"the first caption failed: {status} {body[:300]!r}")
            captions.append(json.loads(body)["caption"])
        client.close()
        return await bench(address, Cases(address, images, captions, True), arguments)
    return asyncio.run(run())


def load_peer(arguments, images):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    peer = subprocess.Popen([arguments.peer, "-m", "peers.http_server", arguments.model or str(ROOT / "models/demo"),
                             str(port), str(arguments.threads)], cwd=ROOT / "scripts")
    try:
        for _ in range(600):
            if peer.poll() is not None:
                raise SystemExit("the peer did not start")
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.1)
        else:
            raise SystemExit("the peer does not listen after a minute")
        print("FastAPI and transformers:")
        return load_other(urlparse(f"http://127.0.0.1:{port}"), arguments, images)
    finally:
        peer.kill()
        peer.wait()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--server", default=str(ROOT / "build/release/tools/ccexpert-serve"))
    parser.add_argument("--caption", default="", help="ccexpert-caption (default: beside the server)")
    parser.add_argument("--model", default="", help="folder of a model (default: the demo model)")
    parser.add_argument("--options", default="", help="further options of the server")
    parser.add_argument("--threads", type=int, default=2, help="of the model")
    parser.add_argument("--peer", default="", help="a Python with the packages of the peer")
    parser.add_argument("--url", default="", help="a server that runs already")
    parser.add_argument("--requests", type=int, default=3000, help="in all")
    parser.add_argument("--clients", type=lambda text: [int(each) for each in text.split(",")], default=[1, 8, 64])
    parser.add_argument("--pairs", type=int, default=24, help="different pairs; the first three are those of the demo")
    parser.add_argument("--warm-up", type=int, default=500, help="requests before memory is compared")
    parser.add_argument("--memory-margin", type=float, default=32, help="megabytes that memory may grow after the warm-up")
    parser.add_argument("--patience", type=float, default=120, help="seconds until a request counts as lost")
    parser.add_argument("--progress", type=float, default=0, help="seconds between lines about the progress (0: none)")
    arguments = parser.parse_args()
    images = pairs(arguments.pairs)
    if arguments.url:
        return load_other(urlparse(arguments.url), arguments, images)
    code = load_server(arguments, images)
    if arguments.peer:
        code = load_peer(arguments, images) or code
    return code


if __name__ == "__main__":
    sys.exit(main())
