#!/usr/bin/env python3
"""Asks a real ccexpert-serve with the clients that people use: openai, mcp and schemathesis; audits its pages by axe-core.

    python3 -m venv VENV && VENV/bin/pip install -r third_party/requirements-serve.txt
    VENV/bin/python scripts/check_serve.py [--server build/release/tools/ccexpert-serve] [--model DIR] [--examples N]

Besides, pages are audited in Chromium, that of ccexpert-caption --report if the program is beside the server; and the tool
map_changes makes maps, for which the server must be built with GDAL. --without-pages and --without-maps leave these out. What
else lacks a package or a program is skipped, or fails with --required. Prints a line per check; the exit code is 1 if one
fails.
"""
import argparse
import asyncio
import base64
import contextlib
import importlib.util
import re
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

from serve_axe import browser_program
from serve_process import ServeProcess, ServerFailed

ROOT = Path(__file__).resolve().parent.parent
PAIR = [ROOT / "docs/images/demo" / name for name in ("before.png", "after.png")]


def uri(path):
    return "data:image/png;base64," + base64.b64encode(path.read_bytes()).decode()


def pair_message(text, images=PAIR):
    parts = [{"type": "image_url", "image_url": {"url": each if isinstance(each, str) else uri(each)}} for each in images]
    return {"role": "user", "content": [*parts, {"type": "text", "text": text}]}


def expect(holds, what):
    if not holds:
        raise AssertionError(what)


def check_openai(address):
    import openai
    client = openai.OpenAI(base_url=address + "/v1", api_key="none", max_retries=0)
    model = client.models.list().data[0].id
    expect(client.models.retrieve(model).id == model, "models.retrieve returns the model")
    question = [pair_message("What changed?")]
    whole = client.chat.completions.create(model=model, messages=question, temperature=0, max_tokens=64)
    text = whole.choices[0].message.content
    expect(text and whole.choices[0].finish_reason in ("stop", "length"), "an answer")
    expect(whole.usage.total_tokens == whole.usage.prompt_tokens + whole.usage.completion_tokens, "usage adds up")
    streamed, usage = "", None
    for chunk in client.chat.completions.create(model=model, messages=question, temperature=0, max_tokens=64, stream=True,
                                                stream_options={"include_usage": True}):
        usage = chunk.usage or usage
        streamed += (chunk.choices[0].delta.content or "") if chunk.choices else ""
    expect(streamed.strip() == text, f"the stream has the same text: {streamed!r} and {text!r}")
    expect(usage and usage.total_tokens == whole.usage.total_tokens, "the stream has the same usage")
    turns = [*question, {"role": "assistant", "content": text}, {"role": "user", "content": "Where?"}]
    again = client.chat.completions.create(model=model, messages=turns, max_tokens=16)
    expect(again.usage.prompt_tokens > whole.usage.prompt_tokens, "a second turn has a longer prompt")
    with_probabilities = client.chat.completions.create(model=model, messages=question, logprobs=True, max_tokens=8)
    expect(all(each.logprob <= 0 for each in with_probabilities.choices[0].logprobs.content), "logprobs")
    sampled = [client.chat.completions.create(model=model, messages=question, temperature=0.8, seed=3, max_tokens=16)
               .choices[0].message.content for _ in range(2)]
    expect(sampled[0] == sampled[1], "a seed repeats an answer")
    for messages, error in (([pair_message("?", PAIR[:1])], openai.UnprocessableEntityError),
                            ([pair_message("?", ["https://example.org/a.png", PAIR[1]])], openai.UnprocessableEntityError)):
        try:
            client.chat.completions.create(model=model, messages=messages)
            raise AssertionError("wrong images are refused")
        except error as refusal:
            expect(refusal.body["message"], "the refusal has a sentence")
    try:
        client.chat.completions.create(model="other", messages=question)
        raise AssertionError("another model is refused")
    except openai.NotFoundError as refusal:
        expect(refusal.code == "model_not_found", "the code of another model")


def check_mcp(address):
    from mcp import Client

    async def run():
        async with Client(address + "/mcp") as client:
            expect(client.server_info.name == "ccexpert", "the server names itself")
            tools = (await client.list_tools()).tools
            expect([each.name for each in tools] == ["caption_change"], "the tool is listed")
            images = dict(zip(("before", "after"), map(uri, PAIR)))
            answer = await client.call_tool("caption_change", images)
            expect(not answer.is_error and answer.content[0].text, "the tool answers")
            expect(0 <= answer.structured_content["change_score"] <= 1, "the tool answers with a score")
            wrong = await client.call_tool("caption_change", {**images, "before": "bm8="})
            expect(wrong.is_error and wrong.content[0].text.startswith("before:"), "a wrong image is an error")
    asyncio.run(run())


def write_scenes(folder):
    """Writes the demo pair as scenes on the ground."""
    for picture in PAIR:
        subprocess.run(["gdal_translate", "-q", "-a_srs", "EPSG:32633", "-a_ullr", "500000", "5000128", "500128", "5000000",
                        str(picture), str(folder / (picture.stem + ".tif"))], check=True)


def check_maps(address):
    from mcp import Client

    async def run():
        async with Client(address + "/mcp") as client:
            tools = {each.name: each for each in (await client.list_tools()).tools}
            expect(set(tools) == {"caption_change", "map_changes"}, "both tools are listed")
            expect("after.tif, before.tif" in tools["map_changes"].description, "the scenes are named")
            scenes = {"before": "before.tif", "after": "after.tif"}
            answer = await client.call_tool("map_changes", {**scenes, "tile": "64m"})
            expect(not answer.is_error, f"a map: {answer.content}")
            found = answer.structured_content
            expect(found["summary"]["tiles"]["all"] == 4, "a map of four tiles")
            expect(all(14.9 < x < 15.1 and 45 < y < 45.3 for each in found["changes"]["features"]
                       for x, y in each["geometry"]["coordinates"][0] if each["geometry"]["type"] == "Polygon"),
                   "GeoJSON in degrees")
            for name in ("../before.tif", "/etc/passwd", str(ROOT / "VERSION"), "none.tif"):
                wrong = await client.call_tool("map_changes", {**scenes, "before": name})
                expect(wrong.is_error and "the name of a file in the server's folder" in wrong.content[0].text, name)
    asyncio.run(run())


def report_page(arguments, folder):
    """The page of ccexpert-caption for the demo pair, or nothing if that program is not built."""
    program = Path(arguments.server).parent / "ccexpert-caption"
    if not program.exists():
        return []
    subprocess.run([program, *PAIR, "--locate", "--words", "--format", "jsonl", "--output", folder / "captions.jsonl",
                    "--report", folder / "report.html"], check=True, capture_output=True)
    return [{"name": "report", "url": (folder / "report.html").as_uri()}]


def check_pages(address, others):
    from serve_axe import audit, caption_sample
    found = audit([{"name": "/", "url": address + "/", "act": caption_sample},
                   {"name": "/docs", "url": address + "/docs"}, *others])
    if found:
        raise AssertionError("\n".join(found))


def captions_of(address):
    """Numbers of whole captions and of all requests so far."""
    with urllib.request.urlopen(address + "/metrics") as reply:
        text = reply.read().decode()

    def sum_of(name):
        return sum(float(value) for value in re.findall(rf"^{name}\{{.*\}} (\S+)$", text, re.M))
    return sum_of("ccexpert_captions_total"), sum_of("ccexpert_requests_total")


def check_schema(address, examples):
    before = captions_of(address)
    command = [sys.executable, "-m", "schemathesis.cli", "--config-file", str(ROOT / "scripts/serve_schemathesis.toml"), "run",
               address + "/openapi.json", "--max-examples", str(examples), "--request-timeout", "30", "--no-color",
               "--suppress-health-check", "all", "--generation-deterministic"]
    with tempfile.TemporaryDirectory() as folder:  # for what it keeps
        result = subprocess.run(command, capture_output=True, text=True, cwd=folder)
    if result.returncode != 0:
        raise AssertionError(result.stdout[-6000:] + result.stderr[-2000:])
    captions, requests = (now - then for now, then in zip(captions_of(address), before))
    expect(captions >= 3 and requests >= 100, f"captions of the document's examples, and many requests: {captions}, {requests}")


def lacking_packages(names):
    """A sentence about those of the Python packages that are not installed; "" if all are."""
    lacking = [name for name in names if importlib.util.find_spec(name) is None]
    return f"no {' and no '.join(lacking)} (pip install -r third_party/requirements-serve.txt)" if lacking else ""


def lacks_for_clients():
    return lacking_packages(["mcp", "openai", "schemathesis"])


def lacks_for_pages():
    return lacking_packages(["axe_playwright_python", "playwright"]) or (
        "" if browser_program() else "no Chromium (Debian: apt-get install chromium)")


def lacks_for_maps():
    return lacking_packages(["mcp"]) or (
        "" if shutil.which("gdal_translate") else "no gdal_translate (Debian: apt-get install gdal-bin)")


class Checks:
    """Results of named checks. What is required must not be skipped."""

    def __init__(self, required):
        self.required, self.failed = required, []

    def skip(self, name, reason):
        if self.required:
            self.failed.append(name)
        print(f"{name}: {'failed' if self.required else 'skipped'}: {reason}")

    def run(self, name, check):
        start = time.monotonic()
        try:
            check()
            print(f"{name}: right ({time.monotonic() - start:.1f} s)")
        except Exception as error:
            self.failed.append(name)
            print(f"{name}: {type(error).__name__}: {error}")


@contextlib.contextmanager
def server_of(arguments, *options):
    """A server, which must end without an error."""
    server = ServeProcess(arguments.server, *(["--model", arguments.model] if arguments.model else []), *options)
    try:
        yield server
    finally:
        code = server.end()
    expect(code == 0, f"the server ends without an error, not with {code}: {server.said()[-2000:]}")


def ask_clients(checks, arguments, address):
    if reason := lacks_for_clients():
        return checks.skip("clients", reason)
    checks.run("openai", lambda: check_openai(address))
    checks.run("mcp", lambda: check_mcp(address))
    checks.run("schemathesis", lambda: check_schema(address, arguments.examples))


def audit_pages(checks, arguments, address, folder):
    if reason := lacks_for_pages():
        return checks.skip("axe-core", reason)
    checks.run("axe-core", lambda: check_pages(address, report_page(arguments, folder)))


def make_maps(checks, arguments, folder):
    if reason := lacks_for_maps():
        return checks.skip("maps", reason)
    write_scenes(folder)
    try:
        with server_of(arguments, "--map-root", str(folder)) as server:
            checks.run("maps", lambda: check_maps(server.address))
    except ServerFailed as error:
        if "built without GDAL" not in str(error):
            raise
        checks.skip("maps", "the server was built without GDAL (scripts/setup.sh --map installs it)")


def run_checks(checks, arguments, folder):
    with server_of(arguments) as server:
        ask_clients(checks, arguments, server.address)
        if not arguments.without_pages:
            audit_pages(checks, arguments, server.address, folder)
        with urllib.request.urlopen(server.address + "/readyz") as reply:
            expect(reply.status == 200, "the server is still ready")
    if not arguments.without_maps:
        make_maps(checks, arguments, folder)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--server", default=str(ROOT / "build/release/tools/ccexpert-serve"))
    parser.add_argument("--model", default="")
    parser.add_argument("--examples", type=int, default=20, help="requests of schemathesis for each operation and phase")
    parser.add_argument("--without-pages", action="store_true", help="audit no pages")
    parser.add_argument("--without-maps", action="store_true", help="make no maps")
    parser.add_argument("--required", action="store_true", help="fail if a package or a program is not installed")
    arguments = parser.parse_args()
    checks = Checks(arguments.required)
    try:
        with tempfile.TemporaryDirectory() as folder:
            run_checks(checks, arguments, Path(folder))
    except ServerFailed as error:
        print(f"error: the server did not start: {error}")
        return 1
    return 1 if checks.failed else 0


if __name__ == "__main__":
    sys.exit(main())
