#!/usr/bin/env python3
"""Draws README's picture: two images side by side and the caption below. Needs Pillow.

    docs/images/compose_result.py BEFORE AFTER CAPTION OUT.png
"""
import sys

from PIL import Image, ImageDraw, ImageFont

SIDE, MARGIN, LINE = 384, 16, 24
PAPER, INK, GREY = (250, 250, 248), (20, 20, 20), (110, 110, 110)


def font(size):
    return ImageFont.truetype("DejaVuSans.ttf", size)


def main():
    before, after, caption, out = sys.argv[1:]
    width = 2 * SIDE + 3 * MARGIN
    picture = Image.new("RGB", (width, SIDE + 2 * MARGIN + 3 * LINE), PAPER)
    draw = ImageDraw.Draw(picture)
    for column, (name, path) in enumerate((("before", before), ("after", after))):
        left = MARGIN + column * (SIDE + MARGIN)
        draw.text((left, MARGIN // 2 + 2), name, GREY, font(16))
        image = Image.open(path).convert("RGB").resize((SIDE, SIDE), Image.Resampling.BICUBIC)
        picture.paste(image, (left, MARGIN + LINE))
    draw.text((width / 2, SIDE + MARGIN + 2.3 * LINE), f"“{caption}”", INK, font(22), anchor="mm")
    picture.save(out, optimize=True)


if __name__ == "__main__":
    main()
