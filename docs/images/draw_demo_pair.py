#!/usr/bin/env python3
"""Draws the demo pair: an aerial view of a field with a road, before and after houses are built along it.

The pair is drawn, because no aerial photograph of a real change comes with a licence that lets us ship it.
Needs Pillow and numpy.   draw_demo_pair.py OUT_FOLDER [SEED]
"""
import sys
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

SIDE = 256
SCALE = 3  # drawn larger and shrunk, so that edges look like a camera's


def noise(rng, cells, strength):
    grid = rng.normal(0.0, strength, (cells, cells)).astype(np.float32)
    size = SIDE * SCALE
    return np.asarray(Image.fromarray(grid).resize((size, size), Image.Resampling.BICUBIC))


def ground(rng, colour):
    texture = noise(rng, 6, 9.0) + noise(rng, 40, 6.0) + noise(rng, 200, 7.0)
    return np.clip(np.array(colour, np.float32) + texture[..., None], 0, 255).astype(np.uint8)


def road_y(x):
    return SIDE * SCALE * (0.52 + 0.06 * np.sin(2.2 * x / (SIDE * SCALE)))


def draw_road(draw):
    xs = np.arange(-20, SIDE * SCALE + 20, 6)
    line = [(float(x), float(road_y(x))) for x in xs]
    draw.line(line, fill=(158, 154, 146), width=15 * SCALE)
    draw.line(line, fill=(176, 173, 166), width=11 * SCALE)


def draw_tree(draw, rng, x, y):
    radius = rng.uniform(4, 8) * SCALE
    shade = rng.uniform(0.7, 1.1)
    draw.ellipse((x - radius + 6, y - radius + 6, x + radius + 6, y + radius + 6), fill=(38, 48, 36))
    draw.ellipse((x - radius, y - radius, x + radius, y + radius),
                 fill=tuple(int(c * shade) for c in (58, 84, 50)))


def draw_house(draw, rng, x, y):
    width, height = rng.uniform(17, 23) * SCALE, rng.uniform(14, 18) * SCALE
    roof = np.array([(172, 92, 72), (150, 140, 134), (186, 120, 88)][rng.integers(3)])
    left, top, right, bottom = x - width / 2, y - height / 2, x + width / 2, y + height / 2
    draw.rectangle((left - 14, top - 14, right + 14, bottom + 14), fill=(176, 168, 146))
    draw.rectangle((left + 10, top + 10, right + 10, bottom + 10), fill=(52, 50, 48))
    draw.rectangle((left, top, right, y), fill=tuple(int(c) for c in roof))
    draw.rectangle((left, y, right, bottom), fill=tuple(int(c * 0.78) for c in roof))


def finish(image, rng):
    small = image.filter(ImageFilter.GaussianBlur(1.2)).resize((SIDE, SIDE), Image.Resampling.LANCZOS)
    grain = rng.normal(0.0, 3.5, (SIDE, SIDE, 1))
    return Image.fromarray(np.clip(np.asarray(small, np.float32) + grain, 0, 255).astype(np.uint8))


def main():
    out, seed = Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 0
    rng = np.random.default_rng(seed)
    trees = [(rng.uniform(0, SIDE * SCALE), rng.uniform(0, SIDE * SCALE)) for _ in range(70)]
    trees = [(x, y) for x, y in trees if abs(y - road_y(x)) > 22 * SCALE]
    houses = [(x * SCALE + rng.uniform(-6, 6), road_y(x * SCALE) + side * 27 * SCALE)
              for side in (-1, 1) for x in range(22, SIDE, 35)]
    for name, colour, built in (("before", (118, 122, 84), False), ("after", (126, 124, 96), True)):
        image = Image.fromarray(ground(rng, colour))
        draw = ImageDraw.Draw(image)
        draw_road(draw)
        for x, y in trees:
            near_house = any(abs(x - hx) < 26 * SCALE and abs(y - hy) < 22 * SCALE for hx, hy in houses)
            if not (built and near_house):
                draw_tree(draw, np.random.default_rng(int(x * 7 + y)), x, y)
        for x, y in houses if built else []:
            draw_house(draw, np.random.default_rng(int(x)), x, y)
        finish(image, rng).save(out / f"{name}.png", optimize=True)


if __name__ == "__main__":
    main()
