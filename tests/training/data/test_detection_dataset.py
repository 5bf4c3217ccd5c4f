"""Boxes are read from COCO, Pascal VOC and YOLO; what is wrong with them is counted, and the rest is trained on."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Pillow

from boxes import coco_in, scene, write_coco
from lookalike.errors import UserError
from lookalike.training.data.detection_dataset import DetectionDataset, hold_out_images, read_detection_dataset
from samples import save

GREY = np.full((60, 80, 3), 128, np.uint8)  # 80 wide, 60 high
VOC = "<annotation><filename>{name}</filename><size><width>80</width><height>60</height></size>{objects}</annotation>"
OBJECT = (
    "<object><name>{name}</name><difficult>{difficult}</difficult><bndbox><xmin>{0}</xmin><ymin>{1}</ymin>"
    "<xmax>{2}</xmax><ymax>{3}</ymax></bndbox></object>"
)


def read(source: Path, tmp_path: Path, images: Path | None = None) -> DetectionDataset:
    return read_detection_dataset(source, images, 32, tmp_path / "image-cache")


def one_coco(folder: Path, boxes: list, count: int = 2, **more: object) -> Path:
    """A COCO file of images 80 x 60, each with these boxes of class 7, "cup"."""
    for number in range(count):
        save(folder / f"{number}.png", np.clip(GREY + number, 0, 255).astype(np.uint8))
    images = [{"id": number, "file_name": f"{number}.png", "width": 80, "height": 60} for number in range(count)]
    annotations = [
        {"image_id": number, "category_id": 7, "bbox": box} | more for number in range(count) for box in boxes
    ]
    return write_coco(folder / "boxes.json", images, annotations, {7: "cup", 9: "spoon"})


def voc_in(folder: Path, objects: str, name: str = "{}.png") -> Path:
    for number in range(2):
        save(folder / "JPEGImages" / f"{number}.png", GREY + np.uint8(number))
        xml = folder / "Annotations" / f"{number}.xml"
        xml.parent.mkdir(exist_ok=True)
        xml.write_text(VOC.format(name=name.format(number), objects=objects))
    return folder


def yolo_in(folder: Path, text: str, names: str | None = "names:\n  0: cup\n  1: 'red spoon'  # long\n") -> Path:
    for number in range(2):
        save(folder / "images" / "some" / f"{number}.png", GREY + np.uint8(number))
        (folder / "labels" / "some").mkdir(parents=True, exist_ok=True)
        (folder / "labels" / "some" / f"{number}.txt").write_text(text)
    if names is not None:
        (folder / "data.yaml").write_text(names)
    return folder


def test_coco(tmp_path: Path) -> None:
    """Drawn scenes arrive as they were drawn, in shares of the image; negatives stay."""
    file = coco_in(tmp_path / "drawn", 6)
    result = json.loads(file.read_text())
    save(tmp_path / "drawn" / "empty.png", GREY)
    result["images"].append({"id": 99, "file_name": "empty.png", "width": 80, "height": 60})
    file.write_text(json.dumps(result))
    made = read(file, tmp_path)
    assert made.cache.pixels.shape == (7, 32, 32, 3)
    assert made.sizes.tolist() == [[96, 96]] * 6 + [[80, 60]]
    for number in range(6):
        _, boxes = scene(number)
        assert made.cache.paths[number] == f"{number:03}.png"
        assert [made.names[kind] for kind in made.classes[number]] == [name for name, _ in boxes]
        assert made.boxes[number] == pytest.approx(np.array([box for _, box in boxes]) / 96)
    assert made.boxes[6].shape == (0, 4)
    assert made.boxes[6].dtype == np.float32
    assert "images that show nothing: 1" in made.notes
    assert made.counts.sum() == sum(map(len, made.boxes))


def test_pascal_voc(tmp_path: Path) -> None:
    """Pixels are counted from 1, and the last one is within; difficult boxes are boxes, and noted."""
    objects = OBJECT.format(1, 1, 80, 60, name="all", difficult=0) + OBJECT.format(
        41, 31, 60, 45, name="b", difficult=1
    )
    made = read(voc_in(tmp_path / "voc", objects), tmp_path)
    assert made.names == ("all", "b")
    assert made.boxes[0] == pytest.approx(np.array([[0, 0, 1, 1], [0.5, 0.5, 0.25, 0.25]]))
    assert "boxes marked as difficult, taken like any other: 2" in made.notes


def test_voc_beside_its_images(tmp_path: Path) -> None:
    """XML and images in one folder; a name that is not there, or leads elsewhere, is found by that of the XML."""
    save(tmp_path / "flat" / "0.png", GREY)
    save(tmp_path / "flat" / "1.png", GREY)
    for number in range(2):
        one = OBJECT.format(1, 1, 8, 6, name="a", difficult=0)
        (tmp_path / "flat" / f"{number}.xml").write_text(VOC.format(name="../../etc/gone.jpg", objects=one))
    made = read(tmp_path / "flat", tmp_path)
    assert made.cache.paths == ("0.png", "1.png")
    assert made.boxes[0] == pytest.approx(np.array([[0, 0, 0.1, 0.1]]))


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_xml_that_may_grow_without_end(encoding: str, tmp_path: Path) -> None:
    """A file with a document type is left out, in whatever letters it is written; the others are read."""
    folder = voc_in(tmp_path / "voc", OBJECT.format(1, 1, 80, 60, name="a", difficult=0))
    laughs = f'<?xml version="1.0" encoding="{encoding}"?><!DOCTYPE x [<!ENTITY a "ha"><!ENTITY b "&a;&a;">]><x>&b;</x>'
    (folder / "Annotations" / "bad.xml").write_bytes(laughs.encode(encoding))
    (folder / "Annotations" / "cut.xml").write_text("<annotation><obj")
    made = read(folder, tmp_path)
    assert len(made.boxes) == 2
    assert "XML files that are damaged, left out: 2" in made.notes


@pytest.mark.parametrize(
    "names",
    [
        "names:\n  0: cup\n  1: 'red spoon'  # long\n",
        'path: .\nnames:\n- cup\n- "red spoon"\nnc: 2\n',
        "names: ['cup', 'red spoon']\n",
        "names: [cup,\n  red spoon]\n",
        "names: {0: cup, 1: red spoon}\n",
    ],
)
def test_yolo(names: str, tmp_path: Path) -> None:
    """The middle and the sides in shares; an outline counts by its extent; names from YAML, however it is written."""
    made = read(yolo_in(tmp_path / "yolo", "0 0.5 0.5 0.2 0.4\n\n1 0.1 0.1 0.3 0.1 0.3 0.5\n", names), tmp_path)
    assert made.names == ("cup", "red spoon")
    assert made.cache.paths == ("images/some/0.png", "images/some/1.png")
    assert made.boxes[0] == pytest.approx(np.array([[0.4, 0.3, 0.2, 0.4], [0.1, 0.1, 0.2, 0.4]]))


def test_yolo_without_names_or_text(tmp_path: Path) -> None:
    """Classes are called by their number; an image without a text file shows nothing; odd lines and texts are noted."""
    folder = yolo_in(tmp_path / "yolo", "3 0.5 0.5 0.2 0.4\nx y\n-1 0 0 0 0\n1 2 3\n", None)
    save(folder / "images" / "some" / "more.png", GREY)
    (folder / "labels" / "some" / "gone.txt").write_text("0 0.5 0.5 0.2 0.4\n")
    made = read(folder, tmp_path)
    assert made.names == ("class 3",)
    assert [len(one) for one in made.boxes] == [1, 1, 0]
    assert "lines that are not: class x y w h; left out: 6" in made.notes
    assert "text files without an image, left out: 1" in made.notes
    (folder / "classes.txt").write_text("a\nb\nc\nd\n")
    assert read(folder, tmp_path).names == ("d",)


@pytest.mark.parametrize(
    ("box", "note"),
    [
        ([10, 10, -5, 5], "boxes without width or height, left out: 2"),
        ([10, 10, 0, 5], "boxes without width or height, left out: 2"),
        ([90, 10, 20, 5], "boxes outside their image, left out: 2"),
        ([float("nan"), 1, 1, 1], "boxes that are no numbers, or of another image, left out: 2"),
        ([1e400, 1, 1, 1], "boxes that are no numbers, or of another image, left out: 2"),
        ([1, 1, 5], "annotations without a bbox of four numbers, left out: 2"),
        ("box", "annotations without a bbox of four numbers, left out: 2"),
        ([8, 6, 16, 12], "boxes listed more than once, taken once: 2"),
    ],
)
def test_boxes_that_cannot_be_used(box: list, note: str, tmp_path: Path) -> None:
    """Each is left out and noted; the good one beside it stays."""
    made = read(one_coco(tmp_path / "c", [[8, 6, 16, 12], box]), tmp_path)
    assert note in made.notes
    for boxes in made.boxes:
        assert boxes == pytest.approx(np.array([[0.1, 0.1, 0.2, 0.2]]))


def test_boxes_that_reach_beyond(tmp_path: Path) -> None:
    """What lies within the image is left of them."""
    made = read(one_coco(tmp_path / "c", [[-8, 30, 16, 600]]), tmp_path)
    assert made.boxes[0] == pytest.approx(np.array([[0, 0.5, 0.1, 0.5]]))
    assert "boxes that reach beyond their image, cut at its edge: 2" in made.notes


def test_crowds_unknown_categories_and_unlisted_images(tmp_path: Path) -> None:
    """Boxes of a crowd, of a category that nobody names and of an image that is not listed are left out and noted."""
    file = one_coco(tmp_path / "c", [[8, 6, 16, 12]])
    result = json.loads(file.read_text())
    box = {"bbox": [1, 1, 9, 9], "image_id": 0, "category_id": 7}
    result["annotations"] += [box | {"iscrowd": 1}, box | {"category_id": 8}, box | {"image_id": 55}, "text"]
    result["images"].append({"id": 9})
    file.write_text(json.dumps(result))
    made = read(file, tmp_path)
    assert made.counts.tolist() == [2]
    for note in (
        "boxes of a crowd (iscrowd), left out: 1",
        "boxes of an unknown category, left out: 1",
        "boxes of images that are not listed, left out: 1",
        "annotations without a bbox of four numbers, left out: 1",
        "images without file_name, left out: 1",
        "classes without a box that can be used, left out: 1",
    ):
        assert note in made.notes


def test_missing_and_damaged_images(tmp_path: Path) -> None:
    """They are failures with a reason; the boxes of the others stay with their own images."""
    file = coco_in(tmp_path / "drawn", 6)
    (tmp_path / "drawn" / "001.png").unlink()
    (tmp_path / "drawn" / "002.png").write_bytes(b"\x89PNG no more")
    made = read(file, tmp_path)
    assert made.cache.paths == ("000.png", "003.png", "004.png", "005.png")
    assert [Path(one.path).name for one in made.cache.failed] == ["001.png", "002.png"]
    assert made.boxes[1] == pytest.approx(np.array([box for _, box in scene(3)[1]]) / 96)


def test_images_elsewhere(tmp_path: Path) -> None:
    """They are found by --images, in an ordinary place beside the file, or the error says where they were looked
    for."""
    file = coco_in(tmp_path / "drawn", 3)
    (tmp_path / "set" / "annotations").mkdir(parents=True)
    moved = file.rename(tmp_path / "set" / "annotations" / "instances_val.json")
    with pytest.raises(UserError, match=r"none of its 3 images is there.*--images"):
        read(moved, tmp_path)
    assert len(read(moved, tmp_path, tmp_path / "drawn").boxes) == 3
    (tmp_path / "drawn").rename(tmp_path / "set" / "val")
    assert len(read(moved, tmp_path).boxes) == 3
    assert len(read(tmp_path / "set", tmp_path).boxes) == 3


@pytest.mark.parametrize("text", ["{", "[1]", '{"images": []}', "[" * 100_000, '{"images": 1, "annotations": 2}'])
def test_files_that_are_no_coco(text: str, tmp_path: Path) -> None:
    """Each is an error that names the file."""
    (tmp_path / "boxes.json").write_text(text)
    with pytest.raises(UserError, match=r"boxes\.json"):
        read(tmp_path / "boxes.json", tmp_path)


def test_sources_of_no_kind(tmp_path: Path) -> None:
    """The error says what was looked for."""
    save(tmp_path / "a" / "0.png", GREY)
    with pytest.raises(UserError, match=r"Pascal VOC, .*YOLO, .*COCO, "):
        read(tmp_path / "a", tmp_path)
    with pytest.raises(UserError, match="COCO JSON"):
        read(tmp_path / "a" / "0.png", tmp_path)
    with pytest.raises(UserError, match="no such file or folder"):
        read(tmp_path / "b", tmp_path)
    with pytest.raises(UserError, match="no such folder"):
        read(tmp_path / "a", tmp_path, tmp_path / "b")


def test_no_boxes_at_all(tmp_path: Path) -> None:
    """An error, which says what became of them."""
    with pytest.raises(UserError, match=r"two images with a usable box.*boxes without width or height, left out: 2"):
        read(one_coco(tmp_path / "c", [[1, 1, 0, 0]]), tmp_path)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_images_that_exif_turns(orientation: int, tmp_path: Path) -> None:
    """A white box on black, its place given for the image as stored: where sides change places, the box is turned with
    it; else it is that of the upright image. Pillow's own turn of a drawn mask says where it must be."""
    stored = np.zeros((60, 80, 3), np.uint8)
    stored[6:18, 8:40] = 255
    exif = Pillow.Exif()
    exif[0x112] = orientation
    for number in range(2):
        save(tmp_path / "c" / f"{number}.png", stored, exif=exif)
    images = [{"id": n, "file_name": f"{n}.png", "width": 80, "height": 60} for n in range(2)]
    boxes = [{"image_id": n, "category_id": 1, "bbox": [8, 6, 32, 12]} for n in range(2)]
    made = read(write_coco(tmp_path / "c" / "b.json", images, boxes, {1: "box"}), tmp_path)
    if orientation < 5:
        assert made.boxes[0] == pytest.approx(np.array([[0.1, 0.1, 0.4, 0.2]]))
        return
    x, y, width, height = made.boxes[0][0] * 32
    rows, columns = np.nonzero(made.cache.pixels[0].mean(2) > 128)
    assert made.sizes[0].tolist() == [60, 80]
    assert (columns.min(), rows.min()) == pytest.approx((x, y), abs=1)
    assert (columns.max() + 1, rows.max() + 1) == pytest.approx((x + width, y + height), abs=1)


def test_another_image_than_was_stated(tmp_path: Path) -> None:
    """An image that was made smaller keeps its boxes; one of another shape loses them."""
    file = one_coco(tmp_path / "c", [[8, 6, 16, 12]], 4)
    save(tmp_path / "c" / "0.png", GREY[::2, ::2])
    save(tmp_path / "c" / "1.png", GREY[:30])
    made = read(file, tmp_path)
    assert [len(one) for one in made.boxes] == [1, 0, 1, 1]
    assert made.boxes[0] == pytest.approx(made.boxes[2])
    assert "images of another aspect ratio than the file of boxes states, their boxes left out: 1" in made.notes


def test_what_is_held_out(tmp_path: Path) -> None:
    """A share of the images with boxes and of those without; the same the next time."""
    file = one_coco(tmp_path / "c", [[8, 6, 16, 12]], 20)
    result = json.loads(file.read_text())
    result["annotations"] = result["annotations"][:10]
    file.write_text(json.dumps(result))
    made = read(file, tmp_path)
    split = hold_out_images(made, 0.2, 0, tmp_path / "held.json")
    assert [sum(len(made.boxes[row]) == count for row in split.held_out) for count in (0, 1)] == [2, 2]
    assert hold_out_images(made, 0.2, 5, tmp_path / "held.json").held_out.tolist() == split.held_out.tolist()
    assert len(split.training) == 16
