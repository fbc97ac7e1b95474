"""What clients of bench_serve.py ask: drawn pairs, good requests with readers of their captions, and malformed ones with
their statuses."""
import base64
import json
import random
import re
import struct
import zlib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
DEMO = [ROOT / "docs/images/demo" / name for name in ("before.png", "after.png")]
TOKENS = 32


def png(height, width, rows):
    """A PNG file of 8-bit colours."""
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
    pixels = b"".join(b"\0" + row for row in rows)
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)) +
            chunk(b"IDAT", zlib.compress(pixels, 6)) + chunk(b"IEND", b""))


def drawn_pair(seed, size=64):
    """A field and a road, to which most pairs add bright roofs."""
    pick = random.Random(seed)
    ground = [pick.randint(40, 110), pick.randint(70, 140), pick.randint(30, 80)]
    before = [[tuple(min(255, c + pick.randint(0, 12)) for c in ground) for _ in range(size)] for _ in range(size)]
    road = pick.randint(4, size - 8)
    for row in before:
        row[road:road + 4] = [(150, 148, 145)] * 4
    after = [list(row) for row in before]
    for _ in range(pick.choice((0, 1, 4, 9))):
        y, x, side = pick.randint(0, size - 12), pick.randint(0, size - 12), pick.randint(5, 11)
        for row in after[y:y + side]:
            row[x:x + side] = [(225, pick.randint(120, 220), 200)] * side
    return tuple(png(size, size, [bytes(c for pixel in row for c in pixel) for row in rows]) for rows in (before, after))


def pairs(count):
    """The demo pair, its reverse and an image against itself, then drawn pairs."""
    before, after = (path.read_bytes() for path in DEMO)
    known = [(before, after), (after, before), (after, after)]
    return known[:count] + [drawn_pair(seed) for seed in range(count - len(known))]


def b64(data):
    return base64.b64encode(data).decode()


def uri(data):
    return "data:image/png;base64," + b64(data)


def post(host, path, body, kind="application/json", headers=""):
    head = f"POST {path} HTTP/1.1\r\nHost: {host}\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n"
    return (head + headers + "\r\n").encode() + body


def post_json(host, path, value):
    return post(host, path, json.dumps(value).encode())


def form(fields, end="--b--\r\n"):
    text = b""
    for name, value in fields:
        file = '; filename="f.png"' if isinstance(value, bytes) else ""
        content = value if isinstance(value, bytes) else value.encode()
        text += f'--b\r\nContent-Disposition: form-data; name="{name}"{file}\r\n\r\n'.encode() + content + b"\r\n"
    return text + end.encode()


def chat(before, after):
    return {"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": uri(each)}}
                                                      for each in (before, after)]}],
            "temperature": 0, "max_tokens": TOKENS}


def good_requests(host, before, after):
    """Bytes of a request and the reader of its caption, for each way to ask about a pair."""
    asked = {"before": b64(before), "after": b64(after), "max_new_tokens": TOKENS}
    fields = [("before", before), ("after", after), ("max_new_tokens", str(TOKENS))]
    return {
        "json": (post_json(host, "/v1/captions", asked), lambda body: json.loads(body)["caption"]),
        "form": (post(host, "/v1/captions", form(fields), "multipart/form-data; boundary=b"),
                 lambda body: json.loads(body)["caption"]),
        "stream": (post_json(host, "/v1/captions", {**asked, "after": uri(after), "stream": True}), streamed_caption),
        "chat": (post_json(host, "/v1/chat/completions", chat(before, after)),
                 lambda body: json.loads(body)["choices"][0]["message"]["content"]),
    }


def streamed_caption(body):
    """The caption of a stream of events, whose tokens must be its words."""
    events = re.findall(r"event: (\w+)\ndata: (.*)\n\n", body.decode())
    if not events or events[-1][0] != "done":
        raise ValueError(f"a stream without its end: {body[-200:]!r}")
    caption = json.loads(events[-1][1])["caption"]
    text = "".join(json.loads(data)["text"] for kind, data in events if kind == "token").strip()
    if text != caption:
        raise ValueError(f"a stream of {text!r} whose caption is {caption!r}")
    return caption


def malformed_bodies(host, before, after):
    """Requests of the API that are wrong in their bodies."""
    def json_body(body):
        return post(host, "/v1/captions", body)

    def caption(**changes):
        return post_json(host, "/v1/captions", {"before": b64(before), "after": b64(after), **changes})

    def form_body(fields, end="--b--\r\n", kind="multipart/form-data; boundary=b"):
        return post(host, "/v1/captions", form(fields, end), kind)

    images = [("before", before), ("after", after)]
    one_image = chat(before, after)
    del one_image["messages"][0]["content"][0]
    huge = png(1, 1, [b"\0\0\0"]).replace(struct.pack(">II", 1, 1), struct.pack(">II", 60000, 60000), 1)
    return [
        ("JSON that ends early", json_body(b'{"before": '), 400), ("a list", json_body(b"[]"), 400),
        ("no UTF-8", json_body(b"\xff\xfe{}"), 400),
        ("deep JSON", json_body(b'{"a":' * 2000 + b"1" + b"}" * 2000), 400),
        ("no images", json_body(b"{}"), 422), ("an address", caption(before="http://example.org/"), 422),
        ("no image", caption(before="bm8="), 422), ("broken Base64", caption(before="b*8="), 422),
        ("half an image", caption(after=b64(after[:len(after) // 2])), 422),
        ("a word as number", caption(beams="many"), 422), ("too many tokens", caption(max_new_tokens=10**6), 422),
        ("an unknown key", caption(befor="x"), 422), ("another model", caption(model="other"), 404),
        ("an image of too many pixels", caption(after=b64(huge)), 422),
        ("a long question", caption(question="w" * 10000), 422),
        ("a form without boundary", form_body(images, kind="multipart/form-data"), 400),
        ("a form without end", form_body(images, ""), 400), ("a field twice", form_body([*images, images[0]]), 422),
        ("an unknown field", form_body([*images, ("colour", "red")]), 422), ("half a form", form_body(images[:1]), 422),
        ("one image", post_json(host, "/v1/chat/completions", one_image), 422),
        ("tools", post_json(host, "/v1/chat/completions", {**chat(before, after), "tools": [{"type": "t"}]}), 422),
        ("no call", post_json(host, "/mcp", {"jsonrpc": "1.0"}), 400),
    ]


def malformed_requests(host, before, after):
    """Names, bytes and statuses of requests that are wrong in any way."""
    def get(path, headers="", method="GET", name=host):
        return f"{method} {path} HTTP/1.1\r\nHost: {name}\r\n{headers}\r\n".encode()

    body = json.dumps({"before": b64(before), "after": b64(after)}).encode()
    chunked = f"POST /v1/captions HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\nTransfer-Encoding: "
    return malformed_bodies(host, before, after) + [
        ("other bytes", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", 400),
        ("no path", get("/nothing"), 404),
        ("another method", get("/v1/captions"), 405),
        ("another type", post(host, "/v1/captions", body, "text/plain"), 415),
        ("another host", get("/v1/models", name="example.org"), 403),
        ("two hosts", get("/v1/models", f"Host: {host}\r\n"), 400),
        ("a large header", get("/healthz", "A: " + "x" * 40000 + "\r\n"), 431),
        ("many headers", get("/healthz", "A: x\r\n" * 101), 431),
        ("a large body", post(host, "/v1/captions", b"").replace(b"Length: 0", b"Length: 999999999999"), 413),
        ("an expectation", post(host, "/v1/captions", body, headers="Expect: luck\r\n"), 417),
        ("a coding", (chunked + "gzip, chunked\r\n\r\n").encode(), 400),
        ("broken chunks", (chunked + "chunked\r\n\r\nzz\r\n").encode(), 400),
        ("a compressed body", post(host, "/v1/captions", body, headers="Content-Encoding: gzip\r\n"), 415),
        ("a page of another origin", post(host, "/v1/captions", body, headers="Origin: http://example.org\r\n"), 403),
        ("a body where none is", post(host, "/healthz", b"{}").replace(b"POST", b"GET"), 413),
    ]
