#!/usr/bin/env python3
"""Writes tests/golden/image_table: small TIFF and BMP files in all combinations of headers, and their pixels.

    python3 -m venv v && v/bin/pip install pillow==13.0.0 tifffile imagecodecs numpy
    v/bin/python tests/image/make_image_table.py [--all FOLDER]

The expected pixels are those of Pillow's convert("RGB") if Pillow reads the kind, else those of the rules in
docs/caption.md; if neither applies, the file must be refused with bands, depth and sample format named.
--all writes the whole product of the axes as files with a table next to them; without it, a sample that contains every
pair of values of two axes goes to the repository, as one compressed archive.
"""
import argparse
import gzip
import hashlib
import io
import itertools
import json
import pathlib
import struct
import warnings

import numpy as np
import tifffile
from PIL import Image

HEIGHT, WIDTH = 21, 19
FOLDER = pathlib.Path(__file__).resolve().parent.parent / "golden" / "image_table"


def samples(bands, dtype):
    """Returns gradients with different bands; types of 16 bits and more have values on both sides of 255."""
    y, x, band = np.mgrid[0:HEIGHT, 0:WIDTH, 0:bands]
    value = (x * 11 + y * 7 + band * 61) % 256
    if dtype == "u1":
        return value.astype("u1")
    if dtype == "i1":
        return value.astype("u1").view("i1")
    if dtype == "u2":
        wide = value * 256 + (x * 5 + y * 3) % 256
        return (np.where(value % 3 == 0, value, wide) if bands == 1 else wide).astype("u2")
    if dtype in ("f4", "f8"):
        return (value * 1.37 - 40.25).astype(dtype)
    return (value.astype("i8") * 3 - 150).astype(dtype)


# Rules for kinds that Pillow does not read.

def grey(band, inverted=False):
    band = 255 - band if inverted else band
    return np.repeat(band[..., None], 3, axis=2).astype("u1")


def high_bytes(array):
    return (array >> 8).astype("u1") if array.dtype.itemsize == 2 else array.astype("u1")


def clipped(band):
    return grey(np.clip(np.nan_to_num(band.astype("f8")), 0, 255).astype("u1"))


def by_rule(case, array):
    """Returns RGB of the pixels in `array` (height, width, bands); None if the kind is refused."""
    bands, dtype = array.shape[2], array.dtype.str[1:]
    if case["photometric"] == "separated":
        inks = high_bytes(array[..., :4]) if dtype in ("u1", "u2") else None
        return None if inks is None else np.array(Image.fromarray(np.ascontiguousarray(inks), "CMYK").convert("RGB"))
    inverted = case["photometric"] == "miniswhite"
    if bands == 1 or (bands == 2 and dtype != "u2" and case["photometric"] != "rgb"):
        if dtype in ("u1", "i1"):
            return grey(array[..., 0].view("u1"), inverted)
        if dtype == "u4":
            return clipped(array[..., 0].view("i4"))
        return clipped(array[..., 0]) if dtype in ("u2", "i2", "i4", "f4") else None
    if dtype not in ("u1", "u2") or (bands < 3 and case["photometric"] == "rgb"):
        return None
    first = high_bytes(array[..., :3])
    if bands == 2:
        return grey(first[..., 0], inverted)
    if case["photometric"] == "rgb" and case["extra"] == "assocalpha" and bands >= 4:
        alpha = high_bytes(array[..., 3:4]).astype("i4")
        colours = np.minimum(first.astype("i4") * 255 // np.maximum(alpha, 1), 255)
        return np.where(alpha == 0, 0, colours).astype("u1")
    return 255 - first if inverted else first


def by_pillow(data):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return np.array(Image.open(io.BytesIO(data)).convert("RGB"))
        except Exception:
            return None


# TIFF by tifffile: the product of the axes.

AXES = {
    "bands": [1, 2, 3, 4, 5],
    "dtype": ["u1", "u2", "u4", "i1", "i2", "i4", "f4", "f8"],
    "planar": ["contig", "separate"],
    "layout": ["strips", "one strip", "tiles"],
    "photometric": ["minisblack", "miniswhite", "rgb", "separated"],
    "compression": ["none", "lzw", "deflate", "packbits", "zstd"],
    "order": ["<", ">"],
    "extra": ["unspecified", "assocalpha", "unassalpha"],
    "big": [False, True],
}
NEEDED = {"minisblack": 1, "miniswhite": 1, "rgb": 3, "separated": 4}


def is_possible(case):
    extras = case["bands"] - NEEDED[case["photometric"]]
    return extras >= 0 and (extras > 0 or case["extra"] == "unspecified") and (
        case["bands"] > 1 or case["planar"] == "contig")


def write_case(case):
    array = samples(case["bands"], case["dtype"])
    extras = case["bands"] - NEEDED[case["photometric"]]
    kinds = ([case["extra"]] + ["unspecified"] * (extras - 1)) if extras else None
    options = {"photometric": case["photometric"], "byteorder": case["order"], "bigtiff": case["big"], "metadata": None,
               "extrasamples": kinds}
    if case["compression"] != "none":
        options["compression"] = case["compression"]
        if case["compression"] in ("lzw", "deflate") and case["dtype"] in ("u1", "u2"):
            options["predictor"] = True
    if case["layout"] == "tiles":
        options["tile"] = (16, 16)
    elif case["layout"] == "strips":
        options["rowsperstrip"] = 8
    if case["bands"] > 1:
        options["planarconfig"] = case["planar"]
    data = io.BytesIO()
    stored = np.moveaxis(array, 2, 0) if case["planar"] == "separate" and case["bands"] > 1 else array
    tifffile.imwrite(data, stored if case["bands"] > 1 else array[..., 0], **options)
    return data.getvalue(), array


def name_of(case):
    parts = [f"{case['bands']}x{case['dtype']}", case["planar"], case["layout"].replace(" ", "-"), case["photometric"],
             case["compression"], {"<": "little", ">": "big"}[case["order"]]]
    if case["extra"] != "unspecified":
        parts.append(case["extra"])
    return "_".join(parts + (["bigtiff"] if case["big"] else [])) + ".tif"


def product():
    for values in itertools.product(*AXES.values()):
        case = dict(zip(AXES, values))
        if is_possible(case):
            yield case


def pairwise():
    """Yields the cases of the product, in a fixed order, that have a pair of values that no earlier case had."""
    cases = list(product())
    np.random.default_rng(21).shuffle(cases)
    seen = set()
    for case in cases:
        pairs = {(a, case[a], b, case[b], case["dtype"] in ("u1", "u2")) for a, b in itertools.combinations(AXES, 2)}
        if not pairs <= seen:
            seen |= pairs
            yield case


def expected_of(data, case, array):
    """Returns the expected pixels and their source. Pillow is not followed if it reads the wrong bytes (uncompressed
    separate planes of 16 bits are read as bytes, compressed numbers of a big-endian file are swapped twice), or if the
    storage of the bands would change the picture: it reads only the first grey plane if planes are compressed."""
    rule = by_rule(case, array)
    pillow = by_pillow(data)
    plain = case["compression"] == "none"
    known_wrong = (case["planar"] == "separate" and plain and (case["dtype"] != "u1" or case["extra"] == "assocalpha") or
                   case["order"] == ">" and not plain and case["dtype"] in ("i2", "i4", "f4") or
                   case["planar"] == "separate" and case["photometric"].startswith("mini") and
                   (array.shape[2] > 2 or case["dtype"] == "u2"))
    if pillow is not None and not known_wrong:
        return pillow, "pillow"
    return rule, "rule"


# TIFF by hand: kinds that tifffile does not write.

def tiff(entries, strips, order="<", offsets_tag=273, counts_tag=279):
    """Returns a TIFF with one directory; `entries`: tag -> (type, values)."""
    sizes = {1: "B", 3: "H", 4: "I"}
    entries = dict(entries)
    entries[counts_tag] = (4, [len(strip) for strip in strips])
    entries[offsets_tag] = (4, [0] * len(strips))
    directory_size = 2 + 12 * len(entries) + 4
    place = 8 + directory_size
    outside, offsets = b"", []
    for tag, (kind, values) in sorted(entries.items()):
        packed = len(values) * struct.calcsize(sizes[kind])
        offsets.append((tag, kind, values, place + len(outside) if packed > 4 else None))
        if packed > 4:
            outside += bytes(packed + packed % 2)
    pixels_at = place + len(outside)
    starts = np.cumsum([0] + [len(strip) for strip in strips])[:-1] + pixels_at
    directory, outside = struct.pack(order + "H", len(entries)), b""
    for tag, kind, values, at in offsets:
        values = list(starts) if tag == offsets_tag else values
        packed = struct.pack(order + str(len(values)) + sizes[kind], *[int(v) for v in values])
        directory += struct.pack(order + "HHI", tag, kind, len(values))
        directory += packed.ljust(4, b"\0") if at is None else struct.pack(order + "I", at)
        if at is not None:
            outside += packed + bytes(len(packed) % 2)
    head = b"II*\0" if order == "<" else b"MM\0*"
    return head + struct.pack(order + "I", 8) + directory + bytes(4) + outside + b"".join(strips)


def packed_rows(values, depth):
    bits = (values[..., None] >> np.arange(depth - 1, -1, -1)) & 1
    return np.packbits(bits.reshape(values.shape[0], -1).astype("u1"), axis=1)


def basic(depth, photometric, **more):
    entries = {256: (3, [WIDTH]), 257: (3, [HEIGHT]), 258: (3, [depth]), 259: (3, [1]), 277: (3, [1]), 278: (3, [HEIGHT])}
    if photometric is not None:
        entries[262] = (3, [photometric])
    entries.update({int(tag): value for tag, value in more.items()})
    return entries


def colour_map(depth):
    colours = np.arange(1 << depth) * np.array([[771], [1285], [2313]]) % 65536
    return (3, list(colours.reshape(-1)))


def narrow_files():
    for depth in (1, 2, 4, 8, 12):
        values = (samples(1, "u1")[..., 0].astype("u2") * (16 if depth == 12 else 1)) >> max(8 - depth, 0)
        rows = packed_rows(values, depth)
        for photometric, order in itertools.product((0, 1, 3, None), "<>"):
            if photometric == 3 and depth == 12:
                continue
            more = {"320": colour_map(depth)} if photometric == 3 else {}
            name = f"narrow{depth}_{photometric}_{'little' if order == '<' else 'big'}"
            yield name + ".tif", tiff(basic(depth, photometric, **more), [rows.tobytes()], order), values, photometric
        turned = np.packbits(np.unpackbits(rows, bitorder="little").reshape(rows.shape[0], -1), axis=1)
        yield (f"narrow{depth}_reversed_bits.tif", tiff(basic(depth, 1, **{"266": (3, [2])}), [turned.tobytes()]), values, 1)


def narrow_expected(data, values, depth, photometric):
    pillow = by_pillow(data)
    if pillow is not None:
        return pillow, "pillow"
    if depth == 12:
        return clipped(values), "rule"
    raise ValueError("Pillow reads all others")


def oriented_files():
    rows = samples(3, "u1").tobytes()
    for orientation in range(0, 10):
        entries = basic(8, 2, **{"258": (3, [8, 8, 8]), "277": (3, [3]), "274": (3, [orientation])})
        yield f"orientation{orientation}.tif", tiff(entries, [rows])


def pillow_written():
    """Yields kinds that Pillow writes: JPEG and fax inside TIFF, YCbCr, and the like."""
    rgb = Image.fromarray(samples(3, "u1"))
    bilevel = Image.fromarray(samples(1, "u1")[..., 0]).convert("1")
    for name, image, options in (
            ("jpeg", rgb, {"compression": "jpeg"}), ("jpeg_grey", rgb.convert("L"), {"compression": "jpeg"}),
            ("jpeg_cmyk", rgb.convert("CMYK"), {"compression": "jpeg"}),
            ("ycbcr_jpeg", rgb.convert("YCbCr"), {"compression": "jpeg"}),
            ("ycbcr_lzw", rgb.convert("YCbCr"), {"compression": "tiff_lzw"}), ("ycbcr", rgb.convert("YCbCr"), {}),
            ("fax3", bilevel, {"compression": "group3"}), ("fax4", bilevel, {"compression": "group4"}),
            ("rle", bilevel, {"compression": "tiff_ccitt"}),
            ("palette", rgb.convert("P", palette=Image.Palette.ADAPTIVE), {"compression": "tiff_lzw"})):
        data = io.BytesIO()
        image.save(data, "TIFF", **options)
        yield f"pillow_{name}.tif", data.getvalue()


def other_compressions():
    """Yields compressions that Pillow's own libtiff does not decode."""
    rgb = samples(3, "u1")
    for name, options in (("webp", {"compressionargs": {"lossless": True}}), ("lerc", {}), ("jpeg2000", {})):
        data = io.BytesIO()
        tifffile.imwrite(data, rgb, photometric="rgb", metadata=None, compression=name, **options)
        yield f"compression_{name}.tif", data.getvalue(), None if name == "jpeg2000" else rgb


def damaged(data, start, count):
    """Yields `count` files that Pillow refuses, with three bytes changed after `start`."""
    random = np.random.default_rng(len(data))
    while count > 0:
        changed = bytearray(data)
        for place in random.integers(start, len(data), 3):
            changed[place] ^= int(random.integers(1, 256))
        if by_pillow(bytes(changed)) is None:
            count -= 1
            yield bytes(changed)


def damaged_files():
    """Yields files with whole headers and damaged pixels that a reader may accept."""
    rgb = samples(3, "u1")
    for compression in ("lzw", "deflate", "packbits"):
        data = io.BytesIO()
        tifffile.imwrite(data, rgb, photometric="rgb", metadata=None, compression=compression, rowsperstrip=8)
        start = tifffile.TiffFile(io.BytesIO(data.getvalue())).pages[0].dataoffsets[0]
        for number, changed in enumerate(damaged(data.getvalue(), start, 4)):
            yield f"damaged_{compression}_{number}.tif", changed
    data = io.BytesIO()
    Image.fromarray(rgb).save(data, "JPEG", optimize=True, restart_marker_blocks=1)
    for number, changed in enumerate(damaged(data.getvalue(), 160, 6)):
        yield f"damaged_{number}.jpg", changed


# BMP by hand.

def bmp(header, palette, pixels, masks=b"", offset=None):
    at = 14 + len(header) + len(masks) + len(palette)
    head = b"BM" + struct.pack("<IHHI", at + len(pixels), 0, 0, at if offset is None else offset)
    return head + header + masks + palette + pixels


def info_header(bits, compression=0, colours=0, size=40, height=HEIGHT, masks=()):
    header = struct.pack("<IiiHHIIiiII", size, WIDTH, height, 1, bits, compression, 0, 2835, 2835, colours, 0)
    header += b"".join(struct.pack("<I", mask) for mask in masks)
    return header.ljust(size, b"\0")


def bmp_rows(values, bits):
    """Returns rows from bottom to top, each padded to four bytes."""
    rows = packed_rows(values, bits) if bits < 8 else values.reshape(HEIGHT, -1).view("u1")
    return b"".join(row.tobytes().ljust((len(row) + 3) // 4 * 4, b"\0") for row in rows[::-1])


def rle(values, four_bits):
    data = b""
    for number, row in enumerate(values[::-1]):
        for x in range(0, WIDTH, 6):
            part = row[x:x + 6]
            if number % 3 == 0 and len(part) >= 3:  # a span of literal indices
                stored = packed_rows(part[None], 4)[0].tobytes() if four_bits else part.tobytes()
                data += bytes([0, len(part)]) + stored + bytes(len(stored) % 2)
            else:
                for index in part:
                    data += bytes([1, int(index) << 4 if four_bits else int(index)])
        data += b"\0\0"
    return data + b"\0\1"


def bmp_files():
    grey8 = samples(1, "u1")[..., 0]
    colours = (np.arange(256)[:, None] * [5, 3, 7, 0] % 256).astype("u1")
    for bits in (1, 4, 8):
        values = grey8 >> (8 - bits)
        palette = colours[:1 << bits].tobytes()
        core = struct.pack("<IHHHH", 12, WIDTH, HEIGHT, 1, bits)
        yield f"palette{bits}.bmp", bmp(info_header(bits), palette, bmp_rows(values, bits))
        yield f"palette{bits}_top_down.bmp", bmp(info_header(bits, height=-HEIGHT), palette, bmp_rows(values, bits))
        yield f"palette{bits}_os2.bmp", bmp(core, colours[:1 << bits, :3].tobytes(), bmp_rows(values, bits))
        yield f"palette{bits}_v5.bmp", bmp(info_header(bits, size=124), palette, bmp_rows(values, bits))
        yield f"palette{bits}_os2v2.bmp", bmp(info_header(bits, size=64), palette, bmp_rows(values, bits))
        few = max(2, (1 << bits) - 3)
        yield (f"palette{bits}_few.bmp",
               bmp(info_header(bits, colours=few), colours[:few].tobytes(), bmp_rows(values, bits)))
    greys = np.repeat(np.arange(256, dtype="u1")[:, None], 4, axis=1).tobytes()
    yield "grey8.bmp", bmp(info_header(8), greys, bmp_rows(grey8, 8))
    yield "black_white.bmp", bmp(info_header(1), b"\0\0\0\0\xff\xff\xff\0", bmp_rows(grey8 >> 7, 1))
    yield "white_black.bmp", bmp(info_header(1), b"\xff\xff\xff\0\0\0\0\0", bmp_rows(grey8 >> 7, 1))
    yield "pixels_at_palette.bmp", bmp(info_header(8), colours.tobytes(), bmp_rows(grey8, 8), offset=54)
    yield "rle8.bmp", bmp(info_header(8, compression=1), colours.tobytes(), rle(grey8, False))
    yield "rle4.bmp", bmp(info_header(4, compression=2), colours[:16].tobytes(), rle(grey8 >> 4, True))
    yield "rle8_short.bmp", bmp(info_header(8, compression=1), colours.tobytes(), rle(grey8, False)[:90] + b"\0\1")
    wide = samples(1, "u2")[..., 0]
    bgr = samples(3, "u1")
    bgrx = samples(4, "u1")
    yield "bits16.bmp", bmp(info_header(16), b"", bmp_rows(wide, 16))
    yield "bits24.bmp", bmp(info_header(24), b"", bmp_rows(bgr, 24))
    yield "bits24_os2.bmp", bmp(struct.pack("<IHHHH", 12, WIDTH, HEIGHT, 1, 24), b"", bmp_rows(bgr, 24))
    yield "bits32.bmp", bmp(info_header(32), b"", bmp_rows(bgrx, 32))
    fields = {16: [(0xf800, 0x7e0, 0x1f), (0x7c00, 0x3e0, 0x1f), (0xf00, 0xf0, 0xf)],
              32: [(0xff0000, 0xff00, 0xff), (0xff000000, 0xff0000, 0xff00), (0xff000000, 0xff00, 0xff),
                   (0xff, 0xff00, 0xff0000), (0x3ff00000, 0xffc00, 0x3ff)]}
    for bits, choices in fields.items():
        pixels = bmp_rows(wide if bits == 16 else bgrx, bits)
        for number, masks in enumerate(choices):
            packed = struct.pack("<3I", *masks)
            alpha = 0xff000000 if masks in ((0xff0000, 0xff00, 0xff), (0xff, 0xff00, 0xff0000)) else 0
            yield f"fields{bits}_{number}.bmp", bmp(info_header(bits, compression=3), b"", pixels, masks=packed)
            header = info_header(bits, compression=3, size=108, masks=masks + (alpha,))
            yield f"fields{bits}_{number}_v4.bmp", bmp(header, b"", pixels)
    yield "jpeg_inside.bmp", bmp(info_header(24, compression=4), b"", bmp_rows(bgr, 24))
    yield "bits2.bmp", bmp(info_header(2), colours[:4].tobytes(), bmp_rows(grey8 >> 6, 2))


def table(cases):
    for case in cases:
        try:
            data, array = write_case(case)
        except (ValueError, KeyError, NotImplementedError, tifffile.TiffFileError):
            continue  # tifffile does not write this combination
        yield name_of(case), data, *expected_of(data, case, array)
    for name, data, values, photometric in narrow_files():
        depth = int("".join(c for c in name.split("_")[0] if c.isdigit()))
        yield name, data, *narrow_expected(data, values, depth, photometric)
    for name, data, pixels in other_compressions():
        yield name, data, pixels, "rule"
    compressed = None
    for name, data in pillow_written():
        # Without compression Pillow converts YCbCr itself, with different rounding.
        compressed = by_pillow(data) if name == "pillow_ycbcr_lzw.tif" else compressed
        yield name, data, compressed if name == "pillow_ycbcr.tif" else by_pillow(data), "pillow"
    for name, data in damaged_files():
        yield name, data, None, "damaged"
    for name, data in itertools.chain(oriented_files(), bmp_files()):
        yield name, data, by_pillow(data), "pillow"


def row_of(pixels, oracle):
    if pixels is None:
        return {"refused": "damaged" if oracle == "damaged" else "unsupported"}
    return {"sha256": hashlib.sha256(pixels.tobytes()).hexdigest(), "height": pixels.shape[0], "width": pixels.shape[1],
            "oracle": oracle}


def write_archive(folder, files):
    """Writes one compressed safetensors file whose tensors are the files' bytes."""
    header, at = {}, 0
    for name, data in files.items():
        header[name] = {"dtype": "U8", "shape": [len(data)], "data_offsets": [at, at + len(data)]}
        at += len(data)
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    whole = struct.pack("<Q", len(text)) + text + b"".join(files.values())
    with open(folder / "files.safetensors.gz", "wb") as file:
        with gzip.GzipFile(filename="", mode="wb", fileobj=file, mtime=0, compresslevel=9) as packed:
            packed.write(whole)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--all", type=pathlib.Path, help="write the whole product of the axes to this folder")
    arguments = parser.parse_args()
    files, rows = {}, {}
    for name, data, pixels, oracle in table(product() if arguments.all else pairwise()):
        files[name] = data
        rows[name] = row_of(pixels, oracle)
    folder = arguments.all or FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    if arguments.all:
        for name, data in files.items():
            (folder / name).write_bytes(data)
    else:
        write_archive(folder, files)
    lines = ",\n".join(f" {json.dumps(name)}: {json.dumps(row)}" for name, row in rows.items())
    (folder / "expected.json").write_text("{\n" + lines + "\n}\n")
    print(len(files), "files,", sum(1 for row in rows.values() if "refused" in row), "to refuse")


if __name__ == "__main__":
    main()
