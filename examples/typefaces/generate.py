"""Render every font family of fonts.csv into a small data set of glyph images.

The classes are the digits 0-9 and the capitals A-Z.  An image is 28 x 28 grey,
bright ink on a dark ground, with 16 grey levels (multiples of 17).  Images of
one family differ in weight, size, position, rotation, contrast, blur and noise.
A family with a model gets a training and a validation split, a held-out family
one set of images.  Every family has its own random stream, so a family can be
added without changing the others.

more_images() renders further images of a model family, which train.py uses
beside the training split.
"""

import csv
import gzip
import subprocess
import sys
import zlib
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFilter, ImageFont

HERE = Path(__file__).resolve().parent
CLASSES = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
TRAIN_PER_CLASS, VALID_PER_CLASS, HELD_OUT_PER_CLASS = 20, 5, 15

SIDE = 28           # pixels of an image
OVERSAMPLING = 4    # glyphs are drawn at 112 x 112 and reduced
CAP_HEIGHT = 18.5   # median height of the capitals before variation, in pixels
LARGEST = 25.0      # largest width or height of a glyph, in pixels
NOT_A_CHARACTER = "\uffff"
FIGURES = ["lnum"]  # lining figures, as they are set beside capitals; an old-style 0 or 1 is drawn like the letter O or I


def read_families() -> list[dict[str, str]]:
    """The rows of fonts.csv."""
    with open(HERE / "fonts.csv", newline="") as file:
        return list(csv.DictReader(file))


def font_files(family: dict[str, str]) -> list[str]:
    """Paths of the font files of a family, from its Debian package."""
    package = family["package"]
    version = subprocess.run(["dpkg-query", "-W", "-f", "${Version}", package],
                             capture_output=True, text=True, check=True).stdout
    if version != family["version"]:
        print(f"{package}: version {version}, fonts.csv has {family['version']}; "
              "the images may differ", file=sys.stderr)
    listing = subprocess.run(["dpkg", "-L", package],
                             capture_output=True, text=True, check=True).stdout
    path_of = {Path(line).name: line for line in listing.splitlines()}
    return [path_of[name] for name in family["files"].split(";")]


def scaled_font(path: str) -> ImageFont.FreeTypeFont:
    """The font at the size that gives its capitals the cap height."""
    probe = ImageFont.truetype(path, 200)
    boxes = [probe.getbbox(text, anchor="ls", features=FIGURES) for text in CLASSES if text.isalpha()]
    height = np.median([bottom - top for _, top, _, bottom in boxes])
    return ImageFont.truetype(path, round(200 * CAP_HEIGHT * OVERSAMPLING / height))


def check_glyphs(path: str, font: ImageFont.FreeTypeFont) -> None:
    """Stop unless the font has a glyph of its own for every class."""
    shapes = [bytes(font.getmask(text, features=FIGURES)) for text in [NOT_A_CHARACTER, *CLASSES]]
    if len(set(shapes)) != len(shapes):
        raise SystemExit(f"{path}: a class is missing or shares its glyph")


def render(font: ImageFont.FreeTypeFont, text: str, rng: np.random.Generator) -> np.ndarray:
    """One random image of a glyph, as uint8 [SIDE, SIDE]."""
    size = rng.uniform(0.85, 1.15)
    angle = rng.normal(0.0, 4.0)
    shift = rng.uniform(-1.5, 1.5, 2)
    contrast = rng.uniform(0.75, 1.0)
    blur = rng.uniform(0.0, 0.8)
    noise = rng.uniform(0.0, 0.03)

    # The glyph in the middle of an oversampled canvas.
    side = SIDE * OVERSAMPLING
    left, top, right, bottom = font.getbbox(text, anchor="ls", features=FIGURES)
    canvas = Image.new("L", (side, side))
    ImageDraw.Draw(canvas).text(
        ((side - left - right) / 2, (side - top - bottom) / 2),
        text, font=font, fill=255, anchor="ls", features=FIGURES)

    # Scale and rotate about the middle, then shift; the transform maps back.
    extent = max(right - left, bottom - top) / OVERSAMPLING
    size = min(size, LARGEST / extent)
    cosine, sine = np.cos(np.radians(angle)) / size, np.sin(np.radians(angle)) / size
    centre = side / 2
    x, y = centre + shift * OVERSAMPLING
    image = canvas.transform(
        (side, side), Image.Transform.AFFINE,
        (cosine, sine, centre - cosine * x - sine * y,
         -sine, cosine, centre + sine * x - cosine * y),
        resample=Image.Resampling.BICUBIC)

    image = image.resize((SIDE, SIDE), Image.Resampling.BOX)
    image = image.filter(ImageFilter.GaussianBlur(blur))
    grey = np.asarray(image, dtype=np.float64) / 255.0 * contrast
    grey = grey + rng.normal(0.0, noise, grey.shape)
    return (np.rint(np.clip(grey, 0.0, 1.0) * 15.0) * 17.0).astype(np.uint8)


def make_split(fonts: list[ImageFont.FreeTypeFont], per_class: int,
               rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Images and labels, `per_class` of every class, the weights in turn, shuffled."""
    labels = np.repeat(np.arange(len(CLASSES), dtype=np.uint8), per_class)
    images = np.stack([render(fonts[i % len(fonts)], CLASSES[label], rng)
                       for i, label in enumerate(labels)])
    order = rng.permutation(len(labels))
    return images[order], labels[order]


def write_idx(path: Path, array: np.ndarray) -> None:
    """Write a uint8 array as gzipped IDX, with equal bytes for equal arrays."""
    header = bytes([0, 0, 8, array.ndim]) + np.array(array.shape, dtype=">u4").tobytes()
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(gzip.compress(header + array.tobytes(), compresslevel=9, mtime=0))


def load_fonts(family: dict[str, str]) -> list[ImageFont.FreeTypeFont]:
    """The fonts of a family, at their sizes and complete."""
    fonts = []
    for path in font_files(family):
        fonts.append(scaled_font(path))
        check_glyphs(path, fonts[-1])
    return fonts


def more_images(family: dict[str, str], per_class: int) -> tuple[np.ndarray, np.ndarray]:
    """Further images of a family, drawn as its splits are but from another random stream."""
    rng = np.random.default_rng(zlib.crc32(f"{family['slug']}/more".encode()))
    return make_split(load_fonts(family), per_class, rng)


def main() -> None:
    for family in read_families():
        folder = HERE / "data" / family["slug"]
        rng = np.random.default_rng(zlib.crc32(family["slug"].encode()))
        fonts = load_fonts(family)
        if family["role"] == "model":
            splits = {"train-": TRAIN_PER_CLASS, "valid-": VALID_PER_CLASS}
        else:
            splits = {"": HELD_OUT_PER_CLASS}
        for prefix, per_class in splits.items():
            images, labels = make_split(fonts, per_class, rng)
            write_idx(folder / f"{prefix}images-idx3-ubyte.gz", images)
            (folder / f"{prefix}labels.txt").write_text("".join(f"{CLASSES[c]}\n" for c in labels))
        print(f"{family['slug']}: {sum(f.stat().st_size for f in folder.iterdir())} bytes")


if __name__ == "__main__":
    main()
