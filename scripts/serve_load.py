"""Clients of bench_serve.py: those that ask and check every answer, and those that hang up, stop half-way, crawl or take no
answer."""
import asyncio
import collections
import json
import random
import re
import socket
import struct
import time

from serve_requests import ROOT, good_requests, malformed_requests

# Seconds until the server ends slow clients, as its options say.
LIMITS = {"header": 3, "body": 5, "slow": 3}
# Seconds after that within which it must have ended them, on a machine with other work.
MARGIN = 30
# Pages that a client asks for without taking them: more than the buffers of both sides hold.
PAGES = 400
# Seconds in which a server with other work has filled those buffers.
FILLING = 10
# Faults after which a load is given up.
MOST_FAULTS = 1000


class Client:
    """A connection with a limit to each wait, which is opened again if the server closes it."""

    def __init__(self, address, patience):
        self.address, self.patience = address, patience
        self.reader = self.writer = None

    async def open(self):
        async with asyncio.timeout(self.patience):
            self.reader, self.writer = await asyncio.open_connection(self.address.hostname, self.address.port)

    def close(self, reset=False):
        if self.writer:
            if reset:
                linger = struct.pack("ii", 1, 0)
                self.writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            self.writer.transport.abort() if reset else self.writer.close()
        self.reader = self.writer = None

    async def send(self, data):
        if not self.writer:
            await self.open()
        self.writer.write(data)
        async with asyncio.timeout(self.patience):
            await self.writer.drain()

    async def ask(self, data):
        """Sends a request; returns status and body of the answer."""
        await self.send(data)
        async with asyncio.timeout(self.patience):
            return await self.answer()

    async def answer(self):
        head = (await self.reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
        length = re.search(r"\r\ncontent-length: (\d+)", head)
        if length:
            body = await self.reader.readexactly(int(length.group(1)))
        elif "\r\ntransfer-encoding: chunked" in head:
            body = await self.chunks()
        else:
            body = b""
        if "\r\nconnection: close" in head:
            self.close()
        return int(head.split(" ", 2)[1]), body

    async def chunks(self):
        body = b""
        while True:
            size = int(await self.reader.readuntil(b"\r\n"), 16)
            body += (await self.reader.readexactly(size + 2))[:-2]
            if size == 0:
                return body

    async def whole_answers(self):
        """The number of whole answers with status 200 until the server ends the connection."""
        count = 0
        try:
            while self.reader:
                status, _ = await self.answer()
                count += status == 200
        except asyncio.IncompleteReadError:
            pass  # the server ended the connection, maybe within an answer
        return count

    async def rest(self, seconds):
        """Everything until the server ends the connection. Raises TimeoutError if it does not."""
        async with asyncio.timeout(seconds):
            return await self.reader.read()


class BadClients:
    """Clients that leave, stop half-way, crawl or take no answer. The server must end those that are slow."""

    def __init__(self, address, request):
        self.address, self.request = address, request
        self.head = request[:request.index(b"\r\n\r\n") + 4]
        self.done, self.faults, self.counts = False, [], dict.fromkeys(self.manners(), 0)

    @staticmethod
    def manners():
        return ["leave", "reset", "half", "wait half-way", "crawl in the header", "crawl in the body", "take nothing"]

    async def run(self, manner):
        act = getattr(self, manner.replace(" ", "_").replace("-", "_"))
        while not self.done:
            client = Client(self.address, LIMITS["slow"] + MARGIN)
            try:
                await act(client)
                self.counts[manner] += 1
            except TimeoutError:
                self.faults.append(f"a client that was to {manner} was not ended")
            except OSError:
                self.counts[manner] += 1  # the server ended it
            client.close()
            await asyncio.sleep(0.05)

    async def leave(self, client):
        await client.send(self.request)
        await asyncio.sleep(random.uniform(0, 0.1))

    async def reset(self, client):
        await self.leave(client)
        client.close(reset=True)

    async def half(self, client):
        await client.send(self.request[:len(self.head) + (len(self.request) - len(self.head)) // 2])
        await asyncio.sleep(0.2)

    async def wait_half_way(self, client):
        await client.send(self.request[:-10])
        await self.ended(client, LIMITS["slow"])

    async def crawl_in_the_header(self, client):
        await self.crawl(client, b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nX: ", LIMITS["header"])

    async def crawl_in_the_body(self, client):
        await self.crawl(client, self.head, LIMITS["body"])

    async def crawl(self, client, start, limit):
        await client.send(start)
        sending = asyncio.create_task(self.drip(client))
        try:
            await self.ended(client, limit)
        finally:
            sending.cancel()

    async def drip(self, client):
        while True:
            await asyncio.sleep(0.2)
            client.writer.write(b"x")

    async def take_nothing(self, client):
        """Asks for pages, and reads them after the server's limit."""
        loop = asyncio.get_running_loop()
        with socket.socket() as plain:
            plain.setblocking(False)
            plain.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            await loop.sock_connect(plain, (self.address.hostname, self.address.port))
            ask = f"GET /openapi.json HTTP/1.1\r\nHost: {self.address.netloc}\r\n\r\n"
            await loop.sock_sendall(plain, ask.encode() * PAGES)
            await asyncio.sleep(LIMITS["slow"] + FILLING)
            # From here on the stream reads, as fast as it can.
            client.reader, client.writer = await asyncio.open_connection(sock=plain.dup())
        async with asyncio.timeout(MARGIN):
            answers = await client.whole_answers()
        if answers == PAGES:
            self.faults.append("a client that took nothing for a while got all answers")

    async def ended(self, client, limit):
        """Waits for the server's end of the connection."""
        answer = await client.rest(limit + MARGIN)
        if answer and not answer.startswith(b"HTTP/1.1 408"):
            self.faults.append(f"a slow client was answered {answer[:100]!r}")


class Load:
    """Requests that clients take one by one, each with its answer."""

    def __init__(self, address, cases, arguments, is_peer):
        self.address, self.cases, self.arguments, self.is_peer = address, cases, arguments, is_peer
        self.left, self.answered = 0, 0
        self.seconds, self.statuses, self.faults = [], collections.Counter(), []

    def fault(self, text):
        self.faults.append(text)
        if len(self.faults) <= 20:
            print("  fault: " + text, flush=True)
        if len(self.faults) == MOST_FAULTS:
            self.left = 0

    async def malformed(self, client, number):
        name, data, expected = self.cases.malformed[number % len(self.cases.malformed)]
        status, body = await client.ask(data)
        self.statuses[status] += 1
        # A peer has its own statuses for what is wrong.
        if self.is_peer:
            if not 400 <= status < 500:
                self.fault(f"{name}: expected a refusal, got {status}")
            return
        try:
            message = json.loads(body)["error"]["message"]
        except (ValueError, LookupError, TypeError):
            message = ""
        if status != expected or not message or "\n" in message or str(ROOT) in message:
            self.fault(f"{name}: expected {expected} and a sentence, got {status} {body[:200]!r}")

    async def good(self, client, number):
        request, caption_of, expected = self.cases.good[number % len(self.cases.good)]
        start = time.monotonic()
        async with asyncio.timeout(self.arguments.patience):
            while True:
                status, body = await client.ask(request)
                self.statuses[status] += 1
                if status != 429:
                    break
                await asyncio.sleep(0.1)
        self.seconds.append(time.monotonic() - start)
        if status != 200:
            return self.fault(f"expected {expected!r}, got {status}: {body[:200]!r}")
        try:
            caption = caption_of(body)
        except (ValueError, LookupError) as error:
            return self.fault(f"expected {expected!r}, got {error}: {body[-200:]!r}")
        if caption != expected:
            self.fault(f"expected {expected!r}, got {caption!r}")

    async def client(self):
        client = Client(self.address, self.arguments.patience)
        while self.left > 0:
            self.left -= 1
            number = self.left
            try:
                if number % 10 == 9:
                    await self.malformed(client, number // 10)
                else:
                    await self.good(client, number - number // 10)
            except TimeoutError:
                self.fault(f"request {number}: no answer within {self.arguments.patience} s")
                client.close()
            except (OSError, EOFError, ValueError) as error:
                self.fault(f"request {number}: the connection broke: {error!r}")
                client.close()
            self.answered += 1
        client.close()

    async def run(self, clients, requests):
        """Returns the seconds that the requests took."""
        self.left = requests
        bad = BadClients(self.address, self.cases.good[0][0])
        manners = [] if self.is_peer else [asyncio.create_task(bad.run(each)) for each in bad.manners()]
        start = time.monotonic()
        await asyncio.gather(*(self.client() for _ in range(clients)))
        wall = time.monotonic() - start
        bad.done = True
        await asyncio.gather(*manners)
        for fault in bad.faults:
            self.fault(fault)
        self.bad = bad.counts
        return wall


class Cases:
    """Good requests with their captions, and malformed ones."""

    def __init__(self, address, images, captions, is_peer):
        self.good = []
        for (before, after), caption in zip(images, captions):
            ways = good_requests(address.netloc, before, after)
            self.good += [(*ways[way], caption) for way in (["json"] if is_peer else ways)]
        self.malformed = malformed_requests(address.netloc, *images[-1])
        if is_peer:
            self.malformed = self.malformed[:1] + self.malformed[4:7]
