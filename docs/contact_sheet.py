"""Every image option on one photo, side by side: ``python docs/contact_sheet.py PHOTO OUT.png``.

For the eyes: no test can tell whether a picture looks right. Everything is rendered through the same function that the
server calls; transparent renditions are shown on a checkerboard.
"""

from __future__ import annotations

import io
import sys
from pathlib import Path
from typing import Any

from PIL import Image, ImageCms, ImageDraw, ImageFont

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from qisd.imaging.profiles import BUILT_IN, ProfileStore
from qisd.imaging.render import RenderSettings, Rendition, render
from qisd.imaging.spec import UNIT, ImageSpec, Position, Tile

CELL = 260
LABEL = 34
COLUMNS = 6
GAP = 12
Options = dict[str, Any]


def part(fraction: float) -> int:
    return round(fraction * UNIT)


BOX: Options = {"width": 240, "height": 240}
MIDDLE: Options = {"top": part(0.25), "left": part(0.25), "bottom": part(0.75), "right": part(0.75)}
WRITTEN = ("png", "gif", "tif", "webp", "avif", "jp2", "bmp")
SHEET: list[tuple[str, Options]] = [
    ("width=240", {"width": 240}),
    ("height=160", {"height": 160}),
    ("240x240 (padded)", BOX),
    ("240x240 autosizefit", BOX | {"size_fit": True}),
    ("halign=l0 valign=t0 fill=gold", BOX | {
        "align_h": Position(edge="l", fraction=0), "align_v": Position(edge="t", fraction=0), "fill": "#ffd700",
    }),
    ("halign=r1 valign=b1 fill=#336699", BOX | {
        "align_h": Position(edge="r", fraction=UNIT), "align_v": Position(edge="b", fraction=UNIT), "fill": "#336699",
    }),
    ("fill=auto", BOX | {"fill": "auto"}),
    ("fill=none, png", BOX | {"fill": "none", "format": "png"}),
    ("flip=h", {"width": 240, "flip": "h"}),
    ("flip=v", {"width": 240, "flip": "v"}),
    ("angle=90", BOX | {"size_fit": True, "rotation": part(90)}),
    ("angle=180", {"width": 240, "rotation": part(180)}),
    ("angle=-90", BOX | {"size_fit": True, "rotation": part(270)}),
    ("angle=20", {"width": 240, "rotation": part(20)}),
    ("angle=45 fill=navy", BOX | {"size_fit": True, "rotation": part(45), "fill": "#000080"}),
    ("angle=200 fill=none, png", BOX | {"rotation": part(200), "fill": "none", "format": "png"}),
    ("flip=h angle=30 crop", {"width": 240, "flip": "h", "rotation": part(30), **MIDDLE}),
    ("crop .25/.25/.75/.75", {"width": 240, **MIDDLE}),
    ("crop left=.5, 240x240", BOX | {"left": part(0.5)}),
    ("the same, autocropfit", BOX | {"left": part(0.5), "crop_fit": True}),
    ("tile=1:4", BOX | {"tile": Tile(number=1, grid=4)}),
    ("tile=5:9", {"width": 600, "tile": Tile(number=5, grid=9)}),
    ("sharpen=100", {"width": 240, "sharpen": 100}),
    ("sharpen=500", {"width": 240, "sharpen": 500}),
    ("sharpen=-100", {"width": 240, "sharpen": -100}),
    ("sharpen=-500", {"width": 240, "sharpen": -500}),
    ("overlay", {"width": 240, "overlay_src": "x"}),
    ("overlay ovpos=se ovsize=.3", {"width": 240, "overlay_src": "x", "overlay_pos": "se", "overlay_size": part(0.3)}),
    ("overlay ovopacity=.4 ovpos=n", {
        "width": 240, "overlay_src": "x", "overlay_pos": "n", "overlay_opacity": part(0.4)}),
    ("overlay on padding, none", BOX | {
        "overlay_src": "x", "overlay_pos": "sw", "overlay_size": part(0.4), "fill": "none", "format": "png"}),
    ("overlay on cmyk", {"width": 240, "overlay_src": "x", "colorspace": "cmyk", "overlay_size": part(0.5)}),
    ("colorspace=gray", {"width": 240, "colorspace": "gray"}),
    ("colorspace=cmyk", {"width": 240, "colorspace": "cmyk"}),
    ("icc=adobergb1998", {"width": 240, "icc_profile": "adobergb1998"}),
    ("icc=adobergb1998 strip", {"width": 240, "icc_profile": "adobergb1998", "strip": True}),
    ("icc=greyscale", {"width": 240, "icc_profile": "greyscale"}),
    ("icc=coatedgrey", {"width": 240, "icc_profile": "coatedgrey"}),
    ("icc=uswebcoatedswop", {"width": 240, "icc_profile": "uswebcoatedswop"}),
    ("icc=coatedfogra39 relative bpc", {
        "width": 240, "icc_profile": "coatedfogra39", "icc_intent": "relative", "icc_bpc": True}),
    ("icc=uncoatedfogra29 absolute", {"width": 240, "icc_profile": "uncoatedfogra29", "icc_intent": "absolute"}),
    ("icc=uncoatedfogra29, png", {"width": 240, "icc_profile": "uncoatedfogra29", "format": "png"}),
    ("icc=fx-sepia", {"width": 240, "icc_profile": "fx-sepia"}),
    ("icc=fx-rotatehue", {"width": 240, "icc_profile": "fx-rotatehue"}),
    ("quality=5", {"width": 240, "quality": 5}),
    ("pjpg quality=95", {"width": 240, "format": "pjpg", "quality": 95}),
    *((f"format={name}", {"width": 240, "format": name}) for name in WRITTEN),
]  # fmt: skip


def watermark() -> bytes:
    """A round badge with soft edges."""
    badge = Image.new("RGBA", (800, 800), (255, 255, 255, 0))
    draw = ImageDraw.Draw(badge)
    draw.ellipse((20, 20, 780, 780), fill=(200, 20, 40, 200), outline=(255, 255, 255, 255), width=30)
    draw.text((400, 400), "qisd", font=ImageFont.load_default(300), fill=(255, 255, 255, 255), anchor="mm")
    file = io.BytesIO()
    badge.resize((400, 400)).save(file, "PNG")
    return file.getvalue()


def shown(rendition: Rendition) -> Image.Image:
    """As a browser would: by its profile, on a checkerboard."""
    image = Image.open(io.BytesIO(rendition.data))
    profile = image.info.get("icc_profile")
    if image.mode == "CMYK" and not profile:
        profile = (BUILT_IN / "uswebcoatedswop.icc").read_bytes()
    if profile and image.mode in ("RGB", "L", "CMYK"):
        converted = ImageCms.profileToProfile(
            image, ImageCms.ImageCmsProfile(io.BytesIO(profile)), ImageCms.createProfile("sRGB"), outputMode="RGB"
        )
        image = converted or image
    image = image.convert("RGBA")
    board = Image.new("RGB", (2, 2), (235, 235, 235))
    board.putpixel((0, 0), (200, 200, 200))
    board.putpixel((1, 1), (200, 200, 200))
    board = board.resize((32, 32), Image.Resampling.NEAREST)
    ground = Image.new("RGB", image.size)
    for x in range(0, image.width, 32):
        for y in range(0, image.height, 32):
            ground.paste(board, (x, y))
    ground.paste(image, mask=image.getchannel("A"))
    return ground


def main() -> None:
    photo, out = Path(sys.argv[1]), Path(sys.argv[2])
    settings = RenderSettings(profiles=ProfileStore.load(BUILT_IN, print))
    badge = watermark()
    rows = -(-len(SHEET) // COLUMNS)
    sheet = Image.new("RGB", (COLUMNS * (CELL + GAP) + GAP, rows * (CELL + LABEL + GAP) + GAP), (250, 250, 250))
    draw = ImageDraw.Draw(sheet)
    font = ImageFont.load_default(14)
    for number, (label, options) in enumerate(SHEET):
        x = GAP + number % COLUMNS * (CELL + GAP)
        y = GAP + number // COLUMNS * (CELL + LABEL + GAP)
        with photo.open("rb") as source:
            rendition = render(
                source,
                extension=photo.suffix[1:],
                spec=ImageSpec(**options),
                settings=settings,
                overlay=io.BytesIO(badge) if "overlay_src" in options else None,
                overlay_extension="png",
                checkpoint=lambda: None,
            )
        draw.text((x, y), label, font=font, fill="black")
        facts = f"{rendition.width}x{rendition.height}, {len(rendition.data):,} bytes"
        draw.text((x, y + 16), facts, font=font, fill="grey")
        picture = shown(rendition)
        picture.thumbnail((CELL, CELL))
        sheet.paste(picture, (x, y + LABEL))
    sheet.save(out)


if __name__ == "__main__":
    main()
