"""Faces are found, told good from bad, and become vectors; by two small networks whose answers are known."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from lookalike.descriptors import face_network, get, region_network
from lookalike.descriptors.neural import model_store
from lookalike.descriptors.neural.face_detector import FaceDetector, overlap
from lookalike.descriptors.neural.face_model import MAX_FACES, FaceNetwork, Faces, _turned_back
from lookalike.descriptors.neural.face_utility import face_utility, sharpness
from lookalike.descriptors.neural.model_store import read_card
from lookalike.errors import ModelCardInvalid, ModelDamaged, UserError
from lookalike.imaging import from_array
from networks import changed, install, means, without, write_card
from portraits import (
    ARCFACE,
    DETECTOR,
    FACE,
    NAME,
    detector,
    drawn_face,
    drawn_portrait,
    face_card,
    install_portraits,
)


@pytest.fixture(name="network")
def _network(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FaceNetwork:
    monkeypatch.setenv(model_store.VARIABLE, str(tmp_path / "models"))
    install_portraits(tmp_path / "models")
    return face_network(NAME)


def test_every_face_of_a_group_is_found_once(network: FaceNetwork) -> None:
    """Nine in one image: their boxes, points and vectors, by hand."""
    places = {(x, y): drawn_face(3 * y + x) for y in range(3) for x in range(3)}
    found = network.faces(from_array(drawn_portrait(places)))
    corners = {(round(x * 320), round(y * 320)) for x, y, _, _ in found.boxes}
    assert corners == {(x * FACE, y * FACE) for x, y in places}
    for row in range(9):
        corner = found.boxes[row, :2] * 320
        assert found.landmarks[row] * 320 == pytest.approx(corner + np.array(ARCFACE) * FACE / 112, abs=0.01)
        tiles = drawn_face(3 * round(corner[1] / FACE) + round(corner[0] / FACE)).reshape(8, 12, 8, 12, 3).mean((1, 3))
        own = tiles[..., :2].transpose(2, 0, 1) - tiles[..., :2].mean()
        assert found.vectors[row] @ (own.ravel() / np.linalg.norm(own)) > 0.98


def test_a_large_image_is_looked_at_in_tiles(network: FaceNetwork) -> None:
    """Faces that are too small once the whole is fitted into the square; one that a tile cuts is found in another."""
    image = drawn_portrait({(0, 0): drawn_face(1), (4, 4): drawn_face(2), (2, 2): drawn_face(3)}, side=512)
    found = network.faces(from_array(image))
    assert sorted(tuple(np.rint(box * 512).astype(int)) for box in found.boxes) == [
        (0, 0, 96, 96),
        (192, 192, 96, 96),
        (384, 384, 96, 96),
    ]


def test_a_bad_face_matches_nothing(network: FaceNetwork) -> None:
    """It is told why it is bad, and among the regions of an image it has no vector."""
    kinds = ("sound", "turned", "small", "blurred")
    faces = {(place % 3, place // 3): drawn_face(1, 0, kind) for place, kind in enumerate(kinds)}
    image = from_array(drawn_portrait(faces))
    found = network.faces(image)
    by_flaw = dict(zip(found.flaws, found.utility.tolist(), strict=True))
    assert set(by_flaw) == {None, "turned", "small", "blurred"}
    assert by_flaw[None] > 0.5
    assert [by_flaw[kind] for kind in kinds[1:]] == [0, 0, 0]
    kept = network.regions([image])[0]
    assert [vector.any() for vector in kept.vectors] == [flaw is None for flaw in kept.flaws]
    assert found.vectors.any(1).all()


def test_the_largest_usable_face_stands_for_an_image(network: FaceNetwork) -> None:
    """Also where a portrait lies on its side; without a face there is no vector, and nothing to compare."""
    image = drawn_portrait({(1, 1): drawn_face(5)})
    (vector,) = network.query_vectors(from_array(image))
    described = network.describe([from_array(image), from_array(drawn_portrait({}))])
    assert described.vectors[0] == pytest.approx(vector)
    assert described.contrast[0] > network.card.min_contrast > described.contrast[1] == 0
    assert len(network.query_vectors(from_array(drawn_portrait({})))) == 0
    assert len(network.query_regions(from_array(image))) == 0


def test_faces_of_an_image_that_stands_on_its_head_are_kept(network: FaceNetwork) -> None:
    """The detector sees this one once the image is turned; its box is where it lies, its vector that of the face."""
    pixels = np.full((310, 310, 3), 128, np.uint8)
    pixels[..., 2] = 0
    pixels[22 : 22 + FACE, 22 : 22 + FACE] = np.rot90(drawn_face(4), 2)
    image = from_array(pixels)
    assert len(network.faces(image)) == 0
    (found,) = network.regions([image])
    assert found.boxes[0] * 310 == pytest.approx([22, 22, FACE, FACE], abs=0.01)
    upright = network.faces(from_array(drawn_portrait({(1, 1): drawn_face(4)})))
    assert found.vectors[0] @ upright.vectors[0] > 0.99
    eyes, mouth = found.landmarks[0, :2, 1].mean() * 310, found.landmarks[0, 3:, 1].mean() * 310
    assert 22 < mouth < eyes < 22 + FACE


@pytest.mark.parametrize("quarters", [1, 2, 3])
def test_boxes_are_turned_back(quarters: int) -> None:
    """A rectangle is painted, the image turned, and the rectangle found there: back to where it was painted."""
    painted = np.zeros((40, 60), bool)
    painted[4:10, 30:50] = True
    turned = np.rot90(painted, quarters)
    rows, columns = np.nonzero(turned)
    high, wide = turned.shape
    box = [columns.min() / wide, rows.min() / high, np.ptp(columns) / wide + 1 / wide, np.ptp(rows) / high + 1 / high]
    corner = [[[box[0], box[1]]] * 5]
    one = Faces(
        np.array([box], np.float32), np.ones(1, np.float32), np.zeros(1, np.int64), np.ones((1, 2), np.float32),
        np.array(corner, np.float32), np.ones(1, np.float32), (None,),
    )  # fmt: skip
    back = _turned_back(one, quarters)
    assert back.boxes[0] * (60, 40, 60, 40) == pytest.approx([30, 4, 20, 6], abs=1e-4)
    corners = {1: (50, 4), 2: (50, 10), 3: (30, 10)}
    assert back.landmarks[0, 0] * (60, 40) == pytest.approx(corners[quarters], abs=1e-4)


def test_no_more_faces_than_an_image_has_room_for(network: FaceNetwork) -> None:
    """Of a crowd, the surest."""
    many = {(x, y): drawn_face(9 * y + x) for y in range(9) for x in range(9)}
    assert len(network.faces(from_array(drawn_portrait(many, side=FACE * 9)))) <= MAX_FACES


def test_blank_images_and_tiny_ones(network: FaceNetwork) -> None:
    """No face, and no error."""
    for pixels in (np.zeros((1, 1, 3), np.uint8), np.full((7, 900, 3), 255, np.uint8)):
        assert len(network.faces(from_array(pixels))) == 0


def test_sharpness_falls_with_blur_and_not_with_light() -> None:
    """Of one face: half as bright is as sharp; the smoother, the less; flat is 0."""
    import cv2

    face = cv2.resize(drawn_face(1), (112, 112))
    blurred = [sharpness(cv2.GaussianBlur(face, (0, 0), by)) for by in (1, 2, 4)]
    assert sharpness(face) > blurred[0] > blurred[1] > blurred[2]
    assert sharpness((face // 2).astype(np.uint8)) == pytest.approx(sharpness(face), rel=0.05)
    assert sharpness(np.full((112, 112, 3), 90, np.uint8)) == 0


def test_a_small_face_is_bad_whatever_else() -> None:
    """19 pixels are too few, 100 are as good as any."""
    import cv2

    face, points = cv2.resize(drawn_face(1), (112, 112)), np.array(ARCFACE, np.float32)
    small, large = (face_utility(np.array([0, 0, 120, n], np.float32), points, face, ARCFACE) for n in (19, 100))
    assert (small.score, small.flaw) == (0, "small")
    assert large.flaw is None
    assert large.score > 0.5


def test_boxes_overlap_by_what_both_cover() -> None:
    """Worked out by hand: half of each is a third of both together."""
    box = np.array([0, 0, 4, 4], np.float32)
    others = np.array([[2, 0, 4, 4], [0, 0, 4, 4], [9, 9, 1, 1]], np.float32)
    assert overlap(box, others) == pytest.approx([1 / 3, 1, 0])


def test_it_is_a_descriptor_of_regions(network: FaceNetwork) -> None:
    """By its name, as any; who asks for faces by another's name hears how they are had."""
    assert get(NAME) is region_network(NAME) is network
    with pytest.raises(UserError, match=r"no network of faces 'structure'; there is portraits.*models add faces"):
        face_network("structure")


def test_who_lacks_a_known_network_hears_how_it_is_added(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """For instance where a gallery that holds its vectors is opened on another machine."""
    monkeypatch.setenv(model_store.VARIABLE, str(tmp_path / "none"))
    with pytest.raises(UserError, match=r"no descriptor 'faces'; .*`lookalike models add faces --from FILE"):
        get("faces")


def test_the_fingerprint_knows_the_detector(tmp_path: Path) -> None:
    """Vectors of faces that another one found and cut out are not comparable."""
    install_portraits(tmp_path)
    one = read_card(tmp_path / f"{NAME}.toml")
    content = {**face_card(b"another detector"), "sha256": one.sha256}
    other = read_card(write_card(tmp_path / "other.toml", content))
    assert one.outputs[0].fingerprint != other.outputs[0].fingerprint


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("faces.output", "other", "faces.output must be the only output"),
        ("faces.detector.file", "../x.onnx", "faces.detector.file must be the name of a file"),
        ("faces.detector.threshold", 1.5, "faces.detector.threshold must lie between 0 and 1"),
        ("faces.detector.input.side", 100, "faces.detector.input.side must be a multiple of 32"),
        ("faces.detector.input.channels", "GRB", "faces.detector.input.channels must be 'RGB' or 'BGR'"),
        ("faces.curve.slope", -1.0, "faces.curve.slope must be above 0"),
        ("faces.template", [[1, 2]], "faces.template must be five pairs"),
        ("faces.template", [1, 2, 3], "faces.template must be a list of pairs"),
        ("faces.colour", 1, "faces.colour is an unknown field"),
        ("outputs.portraits.metric", "euclidean", "must be 'cosine' for faces"),
        ("faces.detector.file", f"{NAME}.onnx", "must be another file"),
    ],
)
def test_a_wrong_card_names_its_field(tmp_path: Path, field: str, value: object, message: str) -> None:
    """What is wrong, and where."""
    card = write_card(tmp_path / "card.toml", changed(face_card(b""), field, value))
    with pytest.raises(ModelCardInvalid, match=message):
        read_card(card)


def test_a_card_without_a_detector_is_refused(tmp_path: Path) -> None:
    """Every part of the table is needed."""
    with pytest.raises(ModelCardInvalid, match=r"faces\.detector is missing"):
        read_card(write_card(tmp_path / "card.toml", without(face_card(b""), "faces.detector")))


@pytest.mark.usefixtures("network")
def test_both_files_are_checked(tmp_path: Path) -> None:
    """A swapped detector is damage; one without YuNet's outputs is no detector."""
    card = model_store.find(NAME)
    assert (model_store.info(card).state, model_store.info(card).bytes) == (
        "ok",
        sum(file.stat().st_size for file, _ in card.files),
    )
    model_store.verify(card)
    file = tmp_path / "models" / DETECTOR
    file.write_bytes(detector(160).SerializeToString())
    assert model_store.info(card).state == "damaged"
    with pytest.raises(ModelDamaged, match="damaged or swapped"):
        model_store.verify(card)
    assert card.faces is not None
    spec = card.faces.detector.input
    other = install(tmp_path / "other", model=means())
    with pytest.raises(ModelCardInvalid, match="no detector like YuNet: it lacks the outputs cls_8"):
        FaceDetector(other.with_suffix(".onnx"), read_card(other).sha256, spec, 0.5).open()


def test_a_model_of_two_files_is_added_and_removed_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The detector comes along from beside the card, and goes with it."""
    monkeypatch.setenv(model_store.VARIABLE, str(tmp_path / "models"))
    card = install_portraits(tmp_path / "outside")
    (tmp_path / "outside" / DETECTOR).rename(tmp_path / "hidden")
    with pytest.raises(UserError, match=r"finder\.onnx: no such file; the card names it, the detector of its faces"):
        model_store.add(card.with_suffix(".onnx"), card)
    (tmp_path / "hidden").rename(tmp_path / "outside" / DETECTOR)
    model_store.add(card.with_suffix(".onnx"), card)
    assert sorted(file.name for file in (tmp_path / "models").iterdir()) == [DETECTOR, f"{NAME}.onnx", f"{NAME}.toml"]
    model_store.remove(NAME)
    assert list((tmp_path / "models").iterdir()) == []


def test_a_known_model_is_made_of_the_files_that_a_user_has(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Told by their bytes, whatever they are called; a file that is missing, and one too many, are named."""
    monkeypatch.setenv(model_store.VARIABLE, str(tmp_path / "models"))
    monkeypatch.setattr(model_store, "KNOWN", tmp_path / "known")
    card = install_portraits(tmp_path / "known")
    first, second = (tmp_path / name for name in ("a.bin", "b.bin"))
    card.with_suffix(".onnx").rename(first)
    (tmp_path / "known" / DETECTOR).rename(second)
    assert model_store.known_names() == [NAME]
    with pytest.raises(UserError, match=rf"needs {DETECTOR} \(sha256 [0-9a-f]{{64}}\) as well"):
        model_store.add_known(NAME, [first])
    with pytest.raises(UserError, match=r"portraits.toml: none of the files of 'portraits'"):
        model_store.add_known(NAME, [first, second, card])
    with pytest.raises(UserError, match="no card of a model 'noses' came with Lookalike; there are portraits"):
        model_store.add_known("noses", [first])
    assert model_store.add_known(NAME, [second, first]).name == NAME
    assert model_store.info(model_store.find(NAME)).state == "ok"


def test_the_card_that_ships_is_sound() -> None:
    """It names both files of the model that the how-to tells of."""
    (name,) = model_store.known_names()
    card = read_card(model_store.KNOWN / f"{name}.toml")
    assert name == card.name == "faces"
    assert [sha256[:8] for _, sha256 in card.files] == ["0ba9fbfa", "8f2383e4"]
