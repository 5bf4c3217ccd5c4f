"""Draws families of images of one template whose content differs, as hard negatives.

    python recipes/templates.py PHOTOGRAPHS OUT [FAMILIES]

OUT/KIND/NUMBER/0.png, 1.png, ... are one family: receipts of one shop, texts on one photograph, badges, chats, charts,
boards, tickets, lists on a screen, one object in several colours, frames of a camera that stands still. PHOTOGRAPHS is
a folder of any. Seeded: the same numbers draw the same images.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFilter, ImageFont

SEED = 2026
MEMBERS = 4
LAID = "laid"  # the kind whose first member is a copy of the others
SINGLE = ("numbers", "posters")  # kinds of which one place differs
TEXTS = "texts"  # as LAID, and more of them
VOCABULARY = (
    "apple bread cheese coffee milk rolls tea butter ham yogurt plum pear onion rice salt sugar honey lemon soap "
    "candle paper ticket north river garden window letter number yellow station market winter summer table silver "
    "corner morning evening yesterday tomorrow maybe never always please thanks parcel arrived late early tonight "
    "bring torch maps packed ready busy call back office train bus delayed cancelled open closed today again nobody "
    "everyone"
)
WORDS = VOCABULARY.split()
Colour = tuple[int, int, int]
Draw = Callable[[np.random.Generator, Sequence[Path]], list[Image.Image]]


def font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(size)


def words(rng: np.random.Generator, low: int, high: int) -> str:
    return " ".join(map(str, rng.choice(WORDS, int(rng.integers(low, high + 1)))))


def colour(rng: np.random.Generator, low: int = 0, high: int = 256) -> Colour:
    red, green, blue = (int(value) for value in rng.integers(low, high, 3))
    return red, green, blue


def photograph(rng: np.random.Generator, photographs: Sequence[Path], size: tuple[int, int]) -> Image.Image:
    with Image.open(photographs[int(rng.integers(len(photographs)))]) as image:
        return image.convert("RGB").resize(size, Image.Resampling.LANCZOS)


def receipts(rng: np.random.Generator, _photographs: Sequence[Path]) -> list[Image.Image]:
    width, size, paper = int(rng.integers(360, 560)), int(rng.integers(15, 24)), colour(rng, 235, 256)
    name, street, lines = words(rng, 1, 2).upper(), words(rng, 2, 3).title(), int(rng.integers(4, 12))
    drawn = []
    for _ in range(MEMBERS):
        image = Image.new("RGB", (width, 330 + lines * (size + 12)), paper)
        draw = ImageDraw.Draw(image)
        draw.text((width / 2, 40), name, 0, font(size + 10), anchor="mm")
        draw.text((width / 2, 75), street, 0, font(size), anchor="mm")
        draw.text((30, 110), f"No. {int(rng.integers(1000, 99999)):06d}", 0, font(size))
        draw.text((30, 140), f"{int(rng.integers(1, 29)):02d}/{int(rng.integers(1, 13)):02d}/2024", 0, font(size))
        total = 0
        for line in range(lines):
            price, y = int(rng.integers(50, 2000)), 190 + line * (size + 12)
            total += price
            draw.text((30, y), words(rng, 1, 2), 0, font(size))
            draw.text((width - 30, y), f"{price / 100:.2f}", 0, font(size), anchor="ra")
        y = 200 + lines * (size + 12)
        draw.line((30, y, width - 30, y), 0, 2)
        draw.text((30, y + 15), "TOTAL", 0, font(size + 4))
        draw.text((width - 30, y + 15), f"{total / 100:.2f}", 0, font(size + 4), anchor="ra")
        draw.text((width / 2, y + 80), "Thank you", 0, font(size), anchor="mm")
        drawn.append(image)
    return drawn


def memes(rng: np.random.Generator, photographs: Sequence[Path]) -> list[Image.Image]:
    base = photograph(rng, photographs, (int(rng.integers(400, 700)), int(rng.integers(350, 600))))
    size, in_white = int(rng.integers(26, 56)), bool(rng.random() < 0.7)
    drawn = []
    for _ in range(MEMBERS):
        image = base.copy()
        draw = ImageDraw.Draw(image)
        for y in (20 + size // 2, base.height - 20 - size // 2)[: int(rng.integers(1, 3))]:
            text = words(rng, 2, 4).upper()
            while draw.textlength(text, font(size)) > base.width - 10 and " " in text:
                text = text.rsplit(" ", 1)[0]
            fill, edge = ("white", "black") if in_white else ("black", "white")
            draw.text((base.width / 2, y), text, fill, font(size), anchor="mm", stroke_width=3, stroke_fill=edge)
        drawn.append(image)
    return drawn


def badges(rng: np.random.Generator, photographs: Sequence[Path]) -> list[Image.Image]:
    ground, band, company = colour(rng, 200, 256), colour(rng, 0, 160), words(rng, 1, 2).upper()
    shared = photograph(rng, photographs, (200, 250)) if rng.random() < 0.3 else None
    drawn = []
    for _ in range(MEMBERS):
        image = Image.new("RGB", (640, 400), ground)
        draw = ImageDraw.Draw(image)
        draw.rectangle((0, 0, 640, 70), band)
        draw.text((20, 16), company, "white", font(34))
        image.paste(shared or photograph(rng, photographs, (200, 250)), (30, 100))
        draw.text((260, 120), words(rng, 2, 2).title(), 0, font(32))
        draw.text((260, 180), "Staff", 0, font(26))
        draw.text((260, 230), f"No. {int(rng.integers(1000, 99999))}", 0, font(26))
        draw.rectangle((260, 300, 600, 350), band)
        drawn.append(image)
    return drawn


def chats(rng: np.random.Generator, _photographs: Sequence[Path]) -> list[Image.Image]:
    ground, bar, mine = colour(rng, 215, 256), colour(rng, 0, 140), colour(rng, 190, 256)
    name, lines = words(rng, 2, 2).title(), int(rng.integers(4, 10))
    drawn = []
    for _ in range(MEMBERS):
        image = Image.new("RGB", (540, 960), ground)
        draw = ImageDraw.Draw(image)
        draw.rectangle((0, 0, 540, 80), bar)
        draw.text((80, 24), name, "white", font(28))
        for line in range(lines):
            text = words(rng, 1, 5)
            width, y, right = min(420, 40 + int(draw.textlength(text, font(20)))), 110 + 76 * line, rng.random() < 0.5
            x = 520 - width if right else 20
            draw.rounded_rectangle((x, y, x + width, y + 54), 12, mine if right else "white")
            draw.text((x + 14, y + 14), text, 0, font(20))
        draw.rectangle((0, 890, 540, 960), (245, 245, 245))
        drawn.append(image)
    return drawn


def charts(rng: np.random.Generator, _photographs: Sequence[Path]) -> list[Image.Image]:
    ink, kind, title = colour(rng, 0, 200), str(rng.choice(["line", "bars"])), words(rng, 1, 2)
    drawn = []
    for _ in range(MEMBERS):
        image = Image.new("RGB", (640, 420), "white")
        draw = ImageDraw.Draw(image)
        draw.text((220, 8), title, 0, font(20))
        draw.rectangle((70, 45, 610, 370), outline=0)
        for line in range(6):
            draw.line((70, 45 + 65 * line, 610, 45 + 65 * line), (220, 220, 220))
            draw.text((30, 38 + 65 * line), str(100 - 20 * line), 0, font(13))
            draw.text((70 + 100 * line, 375), str(2015 + 2 * line), 0, font(13))
        if kind == "line":
            height = np.clip(200 + np.cumsum(rng.normal(0, 8, 109)), 50, 365)
            draw.line([(70 + 5 * n, float(y)) for n, y in enumerate(height)], ink, 3)
        else:
            for n, y in enumerate(rng.integers(80, 350, 9)):
                draw.rectangle((85 + 58 * n, int(y), 120 + 58 * n, 369), ink)
        drawn.append(image)
    return drawn


def boards(rng: np.random.Generator, _photographs: Sequence[Path]) -> list[Image.Image]:
    light, dark, side = colour(rng, 200, 256), colour(rng, 90, 180), int(rng.choice([40, 50, 64]))
    pieces = dict.fromkeys(map(tuple, rng.integers(0, 8, (40, 2)).tolist()))
    places = [(int(x), int(y)) for x, y in pieces]
    letters = [str(rng.choice(list("KQRBNPkqrbnp"))) for _ in places]
    drawn = []
    for _ in range(MEMBERS):
        image = Image.new("RGB", (8 * side, 8 * side))
        draw = ImageDraw.Draw(image)
        for x, y in np.ndindex(8, 8):
            box = (x * side, y * side, (x + 1) * side, (y + 1) * side)
            draw.rectangle(box, light if (x + y) % 2 == 0 else dark)
        for (x, y), letter in zip(places, letters, strict=True):
            draw.text(((x + 0.5) * side, (y + 0.5) * side), letter, 0, font(int(side * 0.8)), anchor="mm")
        for moved in rng.choice(len(places), int(rng.integers(1, 4)), replace=False):
            column, row = (int(value) for value in rng.integers(0, 8, 2))
            places[moved] = column, row
        drawn.append(image)
    return drawn


def screens(rng: np.random.Generator, photographs: Sequence[Path]) -> list[Image.Image]:
    dark = bool(rng.random() < 0.4)
    ground, ink, accent = (
        ((30, 30, 34), (230, 230, 230), colour(rng, 60, 220)) if dark else ((250,) * 3, (20,) * 3, colour(rng, 30, 220))
    )
    rows, with_images = int(rng.integers(4, 9)), bool(rng.random() < 0.5)
    drawn = []
    for _ in range(MEMBERS):
        image = Image.new("RGB", (720, 120 + 70 * rows), ground)
        draw = ImageDraw.Draw(image)
        draw.rectangle((0, 0, 720, 60), accent)
        draw.text((20, 14), "Inbox", "white", font(28))
        draw.rectangle((0, 60, 140, image.height), tuple(int(value * 0.9) for value in ground))
        for line, label in enumerate(("Home", "Sent", "Drafts", "Trash")):
            draw.text((20, 90 + 40 * line), label, ink, font(20))
        for row in range(rows):
            y = 80 + 70 * row
            if with_images:
                image.paste(photograph(rng, photographs, (50, 50)), (155, y))
            draw.text((220, y), words(rng, 2, 5), ink, font(20))
            draw.text((220, y + 26), words(rng, 3, 7), (130, 130, 130), font(15))
            draw.line((150, y + 60, 700, y + 60), (128, 128, 128))
        drawn.append(image)
    return drawn


def recoloured_objects(rng: np.random.Generator, photographs: Sequence[Path]) -> list[Image.Image]:
    """One object in several colours, before a photograph or a plain ground that stays as it is."""
    plain = int(rng.integers(150, 256)), int(rng.integers(90, 150)), int(rng.integers(150, 256))
    # On a grey ground this is what a change of hue makes of the whole, and nobody could tell.
    ground = photograph(rng, photographs, (600, 480)) if rng.random() < 0.6 else Image.new("RGB", (600, 480), plain)
    points = [tuple(map(float, point)) for point in rng.uniform((150, 100), (450, 380), (7, 2))]
    stripes = rng.integers(140, 460, 6)
    drawn = []
    for _ in range(MEMBERS):
        image, ink = ground.copy(), colour(rng)
        draw = ImageDraw.Draw(image)
        draw.polygon(points, ink)
        draw.ellipse((220, 150, 380, 330), ink, outline=0)
        for x in map(int, stripes):
            draw.line((x, 170, x + 20, 320), tuple(value // 2 for value in ink), 3)
        drawn.append(image)
    return drawn


def cameras(rng: np.random.Generator, photographs: Sequence[Path]) -> list[Image.Image]:
    """A view that stays, with the grain of a sensor, and each time something else in it."""
    view = photograph(rng, photographs, (640, 426)).filter(ImageFilter.GaussianBlur(0.7))
    grain, kind = float(rng.uniform(1, 6)), str(rng.choice(["cut out", "cut out", "soft"]))
    drawn = []
    for _ in range(MEMBERS):
        image = view.copy()
        for _ in range(int(rng.integers(1, 4))):
            size = int(rng.integers(50, 200)), int(rng.integers(50, 200))
            subject, mask = photograph(rng, photographs, size), Image.new("L", size, 0)
            points = [(float(x), float(y)) for x, y in rng.uniform((0, 0), size, (9, 2))]
            hull = sorted(points, key=lambda point: np.arctan2(point[1] - size[1] / 2, point[0] - size[0] / 2))
            ImageDraw.Draw(mask).polygon(hull, 255)
            if kind == "soft":
                mask = mask.filter(ImageFilter.GaussianBlur(3))
            image.paste(subject, (int(rng.integers(0, 640 - size[0])), int(rng.integers(0, 426 - size[1]))), mask)
        noisy = np.asarray(image) + rng.normal(0, grain, (426, 640, 3))
        drawn.append(Image.fromarray(np.clip(noisy, 0, 255).astype(np.uint8)))
    return drawn


def icons(rng: np.random.Generator, _photographs: Sequence[Path]) -> list[Image.Image]:
    """One plate, another sign on it; small, as icons are."""
    side, plate, ink = int(rng.choice([24, 32, 48, 64, 96, 128])), colour(rng, 40, 220), colour(rng, 200, 256)
    round_one = bool(rng.random() < 0.5)
    drawn = []
    for letter in rng.choice(list("ABCDEFGHKLMNPQRSTXYZ+?!&0123456789"), MEMBERS, replace=False):
        image = Image.new("RGB", (8 * side, 8 * side), "white")
        draw = ImageDraw.Draw(image)
        box = (side // 2, side // 2, 8 * side - side // 2, 8 * side - side // 2)
        draw.ellipse(box, plate) if round_one else draw.rounded_rectangle(box, side, plate)
        draw.text((4 * side, 4 * side), str(letter), ink, font(5 * side), anchor="mm")
        drawn.append(image.resize((side, side), Image.Resampling.LANCZOS))
    return drawn


def tickets(rng: np.random.Generator, photographs: Sequence[Path]) -> list[Image.Image]:
    """A form with a photograph's ground, of which single numbers differ."""
    ground = photograph(rng, photographs, (700, 320)).point(lambda value: 155 + value * 100 // 255)
    event, size = words(rng, 2, 3).upper(), int(rng.integers(18, 30))
    drawn = []
    for _ in range(MEMBERS):
        image = ground.copy()
        draw = ImageDraw.Draw(image)
        draw.text((30, 30), event, 0, font(40))
        draw.text((30, 110), "Row", 0, font(size))
        draw.text((120, 110), str(int(rng.integers(1, 40))), 0, font(size))
        draw.text((30, 160), "Seat", 0, font(size))
        draw.text((120, 160), str(int(rng.integers(1, 90))), 0, font(size))
        left = 450
        for _ in range(38):
            bar = int(rng.integers(2, 8))
            draw.rectangle((left, 90, left + bar // 2, 260), 0)
            left += bar
        draw.text((30, 250), f"{int(rng.integers(10**8, 10**9))}", 0, font(size))
        drawn.append(image)
    return drawn


def numbers(rng: np.random.Generator, photographs: Sequence[Path]) -> list[Image.Image]:
    """A page, a label or a screen of which one number or one word is another one."""
    size, width, height = int(rng.integers(16, 44)), int(rng.integers(400, 800)), int(rng.integers(260, 700))
    ground = Image.new("RGB", (width, height), colour(rng, 225, 256))
    if rng.random() < 0.3:
        ground = photograph(rng, photographs, (width, height)).point(lambda value: 130 + value * 125 // 255)
    draw, ink = ImageDraw.Draw(ground), colour(rng, 0, 90)
    lines = list(range(20, height - size - 10, round(1.6 * size)))
    other = int(rng.integers(len(lines)))
    for line, y in enumerate(lines):
        if line != other:
            draw.text((20, y), words(rng, 2, 6), ink, font(size))
    if rng.random() < 0.4:
        ground.paste(photograph(rng, photographs, (width // 3, height // 3)), (width * 3 // 5, height // 3))
    name, stem, is_word = words(rng, 1, 1), int(rng.integers(100, 100_000)), bool(rng.random() < 0.3)
    drawn = []
    for _ in range(MEMBERS):
        image = ground.copy()
        tail = words(rng, 1, 2) if is_word else f"{stem}{int(rng.integers(0, 10 ** int(rng.integers(1, 4))))}"
        ImageDraw.Draw(image).text((20, lines[other]), f"{name} {tail}", ink, font(size))
        drawn.append(image)
    return drawn


def posters(rng: np.random.Generator, photographs: Sequence[Path]) -> list[Image.Image]:
    """A view that stays, with the grain of a sensor, and in it a poster, a screen or nothing: rectangles, as stickers
    are, but the grain is another one each time."""
    view = photograph(rng, photographs, (640, 426)).filter(ImageFilter.GaussianBlur(0.7))
    grain, size = float(rng.uniform(2, 6)), (int(rng.integers(60, 200)), int(rng.integers(60, 200)))
    place = int(rng.integers(0, 640 - size[0])), int(rng.integers(0, 426 - size[1]))
    drawn = []
    for member in range(MEMBERS):
        image = view.copy()
        if member:
            where = place if rng.random() < 0.5 else (int(rng.integers(0, 440)), int(rng.integers(0, 226)))
            image.paste(photograph(rng, photographs, size), where)
        noisy = np.asarray(image) + rng.normal(0, grain, (426, 640, 3))
        drawn.append(Image.fromarray(np.clip(noisy, 0, 255).astype(np.uint8)))
    return drawn


def overlaid(rng: np.random.Generator, photographs: Sequence[Path]) -> list[Image.Image]:
    """An image as it is, and with text, a date, a name or a frame of words laid on it: those are edited copies of the
    first, and variants of one another."""
    bare = photograph(rng, photographs, (int(rng.integers(400, 700)), int(rng.integers(350, 600))))
    drawn = [bare]
    for _ in range(MEMBERS - 1):
        image, size = bare.copy(), int(rng.integers(18, 56))
        draw = ImageDraw.Draw(image)
        ink = colour(rng, 180, 256) if rng.random() < 0.7 else colour(rng, 0, 80)
        edge = (0, 0, 0) if sum(ink) > 380 else (255, 255, 255)
        for _ in range(int(rng.integers(1, 4))):
            text = words(rng, 1, 3)
            place = float(rng.uniform(0.2, 0.8)) * bare.width, float(rng.uniform(0.05, 0.95)) * bare.height
            stroke = int(rng.integers(0, 4))
            if rng.random() < 0.25:
                left, top, right, low = draw.textbbox(place, text, font(size), anchor="mm")
                draw.rectangle((left - 8, top - 8, right + 8, low + 8), edge)
            draw.text(place, text, ink, font(size), anchor="mm", stroke_width=stroke, stroke_fill=edge)
        drawn.append(image)
    return drawn


KINDS: dict[str, Draw] = {
    "receipts": receipts, "memes": memes, "badges": badges, "chats": chats, "charts": charts, "boards": boards,
    "screens": screens, "colours": recoloured_objects, "cameras": cameras, "icons": icons, "tickets": tickets,
    LAID: overlaid, "numbers": numbers, "posters": posters,
    TEXTS: overlaid,
}  # fmt: skip


def main(photographs: Path, out: Path, families: int = 24) -> None:
    files = sorted(path for path in photographs.rglob("*") if path.suffix.lower() in (".jpg", ".png"))
    for number, (kind, draw) in enumerate(KINDS.items()):
        for family in range(4 * families if kind == TEXTS else families):
            folder = out / kind / f"{family:02d}"
            folder.mkdir(parents=True, exist_ok=True)
            for member, image in enumerate(draw(np.random.default_rng([SEED, number, family]), files)):
                image.save(folder / f"{member}.png")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), *map(int, sys.argv[3:]))
