"""Clicks that go by one measure teach its weight, and nothing is kept that does not help."""

from __future__ import annotations

from itertools import permutations

import cv2
import numpy as np
import pytest

from images import encode
from lookalike.errors import UserError
from lookalike.gallery import Gallery
from lookalike.gallery.recommend.learn_weights import read_clicks, similarities

COLOURS = ((200, 40, 40), (40, 160, 60), (40, 60, 200))
GRAINS = (4, 12, 32)  # pixels
ITEMS = [(colour, grain, number) for colour in range(3) for grain in range(3) for number in range(2)]


def code(item):
    return "c{}g{}n{}".format(*item)


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    """Items of three colours and three textures, two of each."""
    folder = tmp_path_factory.mktemp("clicks")
    lines = ["id,title,file"]
    for seed, item in enumerate(ITEMS):
        size = 96 // GRAINS[item[1]]
        noise = np.random.default_rng(seed).integers(-40, 41, (size + 1, size + 1, 1)).astype(np.float32)
        noise = cv2.resize(noise, (96, 96), interpolation=cv2.INTER_NEAREST)[..., None]
        pixels = np.clip(np.array(COLOURS[item[0]]) + noise, 0, 255).astype(np.uint8)
        (folder / f"{code(item)}.png").write_bytes(encode(pixels))
        lines.append(f"{code(item)},thing,{code(item)}.png")
    (folder / "items.csv").write_text("\n".join(lines))
    with Gallery.create(folder / "g.gallery", ["content", "texture", "colour"]) as gallery:
        gallery.add_catalogue(folder / "items.csv")
        yield gallery


def clicks(folder, alike):
    lines = [f"{code(a)},{code(b)},{'clicked' if alike(a, b) else 'passed'}" for a, b in permutations(ITEMS, 2)]
    file = folder / "clicks.csv"
    file.write_text("\n".join(["item,other,verdict", *lines]))
    return file


def test_people_who_click_the_same_texture_teach_the_weight_of_texture(shop, tmp_path):
    report = shop.tune_recommend(clicks(tmp_path, lambda a, b: a[1] == b[1]))
    assert (report.helped, report.kept) == (True, True)
    assert report.auc_after > max(report.auc_before, 0.95)
    assert max(report.weights, key=report.weights.get) == "texture"
    found = shop.recommend(item="c0g0n0", diversity=0)
    assert {one.id[2:4] for one in found[:5]} == {"g0"}
    assert set(found[0].parts) == set(report.weights) - {"text"} | ({"text"} & set(found[0].parts))
    assert shop.forget_tuning("recommend") == 1
    assert set(shop.recommend(item="c0g0n0")[0].parts) == {"content", "palette", "text"}


def test_what_has_the_same_colours_comes_first_before_anybody_clicked(shop, tmp_path):
    assert {one.id[:2] for one in shop.recommend(item="c0g0n0", diversity=0)[:5]} == {"c0"}
    report = shop.tune_recommend(clicks(tmp_path, lambda a, b: a[0] == b[0]))
    assert report.auc_before > 0.95
    assert not report.kept


def test_clicks_at_random_change_nothing(shop, tmp_path):
    random = np.random.default_rng(5)
    report = shop.tune_recommend(clicks(tmp_path, lambda _a, _b: random.random() < 0.5))
    assert (report.helped, report.kept) == (False, False)
    assert shop.forget_tuning("recommend") == 0


def test_a_similarity_is_the_part_that_a_recommendation_shows(shop):
    found = {one.id: one.parts for one in shop.recommend(item="c0g0n0", k=17, by="colour=1,texture=1", diversity=0)}
    table = similarities(shop._library, [("c0g0n0", other) for other in found], ["colour", "texture"])
    for row, parts in zip(table, found.values(), strict=True):
        assert row / 2 == pytest.approx([parts["colour"], parts["texture"]], abs=1e-5)


def test_lines_that_cannot_be_used_are_told_and_a_click_outweighs_a_pass(shop, tmp_path):
    file = tmp_path / "odd.csv"
    a, b = code(ITEMS[0]), code(ITEMS[1])
    file.write_text(f"item,other,verdict\n{a},{b},passed\n{a},{b},Clicked\n{a},{a},same\n{a},no,same\n{a},{b},maybe\n")
    found = read_clicks(shop._library, file)
    assert found.pairs == {(a, b): True}
    for failure, words in zip(found.failed, ("with itself", "no item 'no'", "must be one of"), strict=True):
        assert words in failure.reason
    with pytest.raises(UserError, match="1 clicked and 0 passed"):
        shop.tune_recommend(file)
