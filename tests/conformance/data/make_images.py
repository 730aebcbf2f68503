"""Writes the image fixtures beside it: one 8 x 6 picture as PNG, JPEG and lossless WebP, and variants that must normalise.

The pixels are a formula, which test_dataset_formats.c and test_dataset_images.c repeat: red 30 x column, green 40 x row,
blue 10 x (column + row). Needs Pillow.
"""
import os

from PIL import Image

here = os.path.join(os.path.dirname(os.path.abspath(__file__)), "images")
W, H = 8, 6


def save(name, image, **options):
    path = os.path.join(here, name)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    image.save(path, **options)


rgb = Image.new("RGB", (W, H))
grey = Image.new("L", (W, H))
deep = Image.new("I;16", (W, H))
rgba = Image.new("RGBA", (W, H))
palette = Image.new("P", (W, H))
palette.putpalette([v for i in range(256) for v in (i, 255 - i, 7)])
for y in range(H):
    for x in range(W):
        rgb.putpixel((x, y), (30 * x, 40 * y, 10 * (x + y)))
        grey.putpixel((x, y), 30 * x)
        deep.putpixel((x, y), 256 * (30 * x) + 9)
        rgba.putpixel((x, y), (30 * x, 40 * y, 10 * (x + y), 255 if x < 4 else 0))
        palette.putpixel((x, y), 20 * x)
save("same/a/picture.png", rgb)
save("same/a/picture.webp", rgb, lossless=True, quality=100)
save("same/b/picture.jpg", rgb, quality=95, subsampling=0)
save("variants/1_grey.png", grey)
save("variants/2_grey16.png", deep)
save("variants/3_alpha.png", rgba)
save("variants/4_palette.png", palette)
save("variants/5_grey.jpg", grey, quality=95)
