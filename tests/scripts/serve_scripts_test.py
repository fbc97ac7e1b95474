#!/usr/bin/env python3
"""Tests of scripts/serve_process.py, serve_load.py and check_serve.py with programs in place of the server:
serve_scripts_test.py SOURCE."""
import asyncio
import contextlib
import io
import os
import pathlib
import sys
import tempfile
import time
import unittest
import unittest.mock
from urllib.parse import urlparse

sys.dont_write_bytecode = True
SOURCE = pathlib.Path(sys.argv.pop(1) if len(sys.argv) > 1 else __file__ + "/../../..").resolve()
sys.path.insert(0, str(SOURCE / "scripts"))
import check_serve
import serve_load
from serve_process import ServeProcess, ServerFailed

READY = """
import http.server, signal, sys

signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))

class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
    def log_message(self, *_):
        pass

server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
print(f"ccexpert-serve: listening on http://127.0.0.1:{server.server_port}/", file=sys.stderr)
print("ccexpert-serve: ready", file=sys.stderr, flush=True)
server.serve_forever()
"""


class Programs(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def program(self, text):
        path = self.folder / "program"
        path.write_text(f"#!{sys.executable}\n{text}")
        path.chmod(0o755)
        return str(path)


class Process(Programs):
    def test_a_ready_server_has_an_address_and_ends(self):
        server = ServeProcess(self.program(READY))
        self.assertRegex(server.address, r"^http://127\.0\.0\.1:\d+$")
        self.assertEqual(server.end(), 0)

    def test_a_server_that_does_not_load_is_ended_after_its_time(self):
        file = self.folder / "pid"
        hanging = self.program(f"import os, time\nopen({str(file)!r}, 'w').write(str(os.getpid()))\ntime.sleep(60)")
        start = time.monotonic()
        with self.assertRaisesRegex(ServerFailed, "expected a loaded model within 1 s"):
            ServeProcess(hanging, loading=1)
        self.assertLess(time.monotonic() - start, 30)
        with self.assertRaises(ProcessLookupError):
            os.kill(int(file.read_text()), 0)

    def test_a_server_that_ends_says_why(self):
        with self.assertRaisesRegex(ServerFailed, "^no model$"):
            ServeProcess(self.program("import sys\nsys.exit('no model')"))
        with self.assertRaisesRegex(ServerFailed, "^exit code 3$"):
            ServeProcess(self.program("import sys\nsys.exit(3)"))
        with self.assertRaisesRegex(ServerFailed, "No such file"):
            ServeProcess(str(self.folder / "none"))

    def test_a_server_that_ignores_its_end_is_killed(self):
        deaf = READY.replace("sys.exit(0)", "None")
        self.assertEqual(ServeProcess(self.program(deaf), ending=0.3).end(), -9)


class Answers(unittest.TestCase):
    WHOLE = b"HTTP/1.1 200 OK\r\nContent-Length: 14\r\n\r\nHTTP/1.1 200 !"
    CHUNKS = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n"
    BUSY = b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n"
    LAST = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"

    def count(self, *pieces):
        async def run():
            sent = asyncio.Event()

            async def send(_, writer):
                for piece in pieces:
                    writer.write(piece)
                    await asyncio.sleep(0.005)
                writer.close()
                sent.set()

            async with await asyncio.start_server(send, "127.0.0.1", 0) as server:
                port = server.sockets[0].getsockname()[1]
                client = serve_load.Client(urlparse(f"http://127.0.0.1:{port}"), 10)
                await client.open()
                count = await client.whole_answers()
                client.close()
                await sent.wait()
                return count
        return asyncio.run(run())

    def test_pieces_do_not_matter(self):
        both = self.WHOLE + self.CHUNKS
        self.assertEqual(self.count(both), 2)
        for at in (1, 10, len(self.WHOLE) - 8, len(self.WHOLE) + 4, len(both) - 1):
            self.assertEqual(self.count(both[:at], both[at:]), 2, at)

    def test_only_whole_answers_with_status_200_count(self):
        self.assertEqual(self.count(self.WHOLE, self.BUSY, self.WHOLE), 2)
        self.assertEqual(self.count(self.WHOLE, self.WHOLE[:-1]), 1)
        self.assertEqual(self.count(self.WHOLE, self.WHOLE[:12]), 1)
        self.assertEqual(self.count(self.LAST, self.WHOLE), 1)
        self.assertEqual(self.count(), 0)


class Required(Programs):
    def run_main(self, program, *options):
        said = io.StringIO()
        words = ["check_serve.py", "--server", program, *options]
        with contextlib.redirect_stdout(said), unittest.mock.patch("sys.argv", words):
            return check_serve.main(), said.getvalue()

    def test_what_is_required_is_not_skipped(self):
        ready = self.program(READY)
        for lacking, options in (("clients", ["--without-pages", "--without-maps"]), ("maps", ["--without-pages"]),
                                 ("pages", ["--without-maps"])):
            with contextlib.ExitStack() as patches:
                for name in ("clients", "pages", "maps"):
                    reason = "no such thing" if name == lacking else ""
                    patches.enter_context(unittest.mock.patch(f"check_serve.lacks_for_{name}", return_value=reason))
                for name in ("openai", "mcp", "schema", "pages", "maps"):
                    patches.enter_context(unittest.mock.patch(f"check_serve.check_{name}"))
                code, said = self.run_main(ready, *options)
                self.assertEqual(code, 0, said)
                self.assertIn("skipped: no such thing", said)
                code, said = self.run_main(ready, "--required", *options)
                self.assertEqual(code, 1, said)
                self.assertIn("failed: no such thing", said)

    def test_a_server_without_gdal_makes_no_required_maps(self):
        refusal = "import sys\nif '--map-root' in sys.argv: sys.exit('--map-root: built without GDAL')\n"
        without = self.program(refusal + READY)
        with contextlib.ExitStack() as patches:
            for name, reason in (("clients", "none"), ("maps", "")):
                patches.enter_context(unittest.mock.patch(f"check_serve.lacks_for_{name}", return_value=reason))
            patches.enter_context(unittest.mock.patch("check_serve.write_scenes"))
            code, said = self.run_main(without, "--without-pages")
            self.assertEqual(code, 0, said)
            self.assertIn("maps: skipped: the server was built without GDAL", said)
            self.assertIn("maps: failed", self.run_main(without, "--without-pages", "--required")[1])

    def test_remedies_install_what_is_lacking(self):
        with unittest.mock.patch("importlib.util.find_spec", lambda name: None):
            for reason in (check_serve.lacks_for_clients(), check_serve.lacks_for_pages()):
                packages = reason.split(" (")[0].replace("no ", "").replace("_", "-").split(" and ")
                self.assertIn("pip install -r third_party/requirements-serve.txt", reason)
                listed = (SOURCE / "third_party/requirements-serve.txt").read_text()
                for package in packages:
                    self.assertIn(f"\n{package}==", listed)

    def test_a_failed_start_is_one_sentence(self):
        code, said = self.run_main(self.program("import sys\nsys.exit('no model')"))
        self.assertEqual((code, said), (1, "error: the server did not start: no model\n"))


if __name__ == "__main__":
    unittest.main()
