"""A ccexpert-serve that a script starts for itself, and ends."""
import os
import re
import signal
import subprocess
import tempfile
import time
from pathlib import Path

# Seconds until a model must be loaded, also by a server under a sanitizer.
LOADING = 300
# Seconds until a server must have ended: longer than its --drain.
ENDING = 120


class ServerFailed(Exception):
    """The server did not start; the text has the end of its log."""


class ServeProcess:
    """The server as a process, ready to caption, at a free port of this machine."""

    def __init__(self, program, *options, loading=LOADING, ending=ENDING):
        self.ending = ending
        self.log = tempfile.NamedTemporaryFile("w+")  # a pipe that nobody reads would stop the server
        try:
            self.process = subprocess.Popen([program, "--listen", "127.0.0.1:0", "--access-log", "/dev/null", *options],
                                            stderr=self.log, env={**os.environ, "OMP_WAIT_POLICY": "passive"})
        except OSError as error:
            raise ServerFailed(str(error)) from None
        try:
            self.wait_until_ready(loading)
        except BaseException:
            self.end()
            raise
        self.address = re.search(r"http://[^/\s]+", self.said()).group()

    def wait_until_ready(self, seconds):
        end = time.monotonic() + seconds
        while "ccexpert-serve: ready\n" not in self.said():
            if self.process.poll() is not None:
                raise ServerFailed(self.said().strip()[-2000:] or f"exit code {self.process.returncode}")
            if time.monotonic() > end:
                raise ServerFailed(f"expected a loaded model within {seconds} s, got: {self.said().strip()[-2000:]}")
            time.sleep(0.05)

    def said(self):
        return Path(self.log.name).read_text()

    def end(self):
        """Ends the server; returns its exit code."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(self.ending)
        except subprocess.TimeoutExpired:
            self.process.kill()
            return self.process.wait()
