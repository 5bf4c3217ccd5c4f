"""What every descriptor must satisfy: a new one inherits these tests from its line in the table.

So do the outputs of neural models: those that are shipped, and a small one of the user's own.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import PIL.Image
import pytest
from skimage import data

from lookalike.descriptors import HASHES, describe_all, get, min_side, names
from lookalike.descriptors.base import Described, Descriptor, thumbnail
from lookalike.descriptors.neural import model_store
from lookalike.descriptors.neural.onnx_model import Neural
from lookalike.descriptors.neural.region_model import RegionNetwork
from lookalike.distance import METRICS
from lookalike.errors import UserError
from lookalike.types import Image
from networks import install

PHOTOS = ("astronaut", "chelsea", "coffee", "rocket", "retina")
ODD_SIZES = [(1, 1), (1, 2), (3, 3), (1, 5000), (5000, 1), (2, 300), (64, 64), (63, 65), (127, 129), (400, 7)]

SHIPPED = [output.name for model in model_store.shipped() for output in model.outputs]

# A change here makes every gallery refuse its vectors: raise the card's version together with the algorithm.
FINGERPRINTS = {
    "colour": "28d73b07d68e7e01",
    "texture": "aff3f6c822760976",
    "structure": "5fda2de943bfdc96",
    "pdq": "fd3932bd561e751a",
}


def image(pixels: np.ndarray) -> Image:
    return Image(pixels=pixels, width=pixels.shape[1], height=pixels.shape[0])


@pytest.fixture(scope="module")
def photos() -> list[Image]:
    return [image(getattr(data, name)()) for name in PHOTOS]


@pytest.fixture(scope="module", autouse=True)
def own_model(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """A user's model with the outputs ``tint`` and ``places``."""
    folder = tmp_path_factory.mktemp("models")
    install(folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LOOKALIKE_MODELS", str(folder))
        yield


@pytest.fixture(params=[*HASHES, *SHIPPED, "tint", "places"])
def descriptor(request: pytest.FixtureRequest) -> Descriptor:
    return get(request.param)


@pytest.fixture(params=HASHES)
def hash_alone(request: pytest.FixtureRequest) -> Descriptor:
    return get(request.param)


def recompressed(photo: Image) -> Image:
    stream = io.BytesIO()
    PIL.Image.fromarray(photo.pixels).save(stream, "JPEG", quality=30)
    return image(np.asarray(PIL.Image.open(stream)))


def noise(shape: tuple[int, int], seed: int = 0) -> Image:
    return image(np.random.default_rng(seed).integers(0, 256, (*shape, 3), dtype=np.uint8))


def check(described: Described, descriptor: Descriptor, n: int) -> None:
    packed = descriptor.card.metric == "hamming"
    assert described.vectors.shape == (n, descriptor.card.dim // 8 if packed else descriptor.card.dim)
    assert described.vectors.dtype == (np.uint8 if packed else np.float32)
    stored = np.float16 if isinstance(descriptor, Neural | RegionNetwork) else described.vectors.dtype
    assert described.vectors.astype(stored).nbytes * 8 == n * descriptor.card.bits
    assert np.isfinite(described.vectors).all()
    assert described.contrast.shape == (n,)
    assert described.contrast.dtype == np.float32
    assert ((described.contrast >= 0) & (described.contrast <= 1)).all()


def test_the_card_is_the_descriptors(descriptor):
    """The name in the table is the name on the card, and the figures make sense."""
    card = descriptor.card
    assert get(card.name) is descriptor
    assert card.metric in METRICS
    assert card.median_negative_distance > 0
    assert 0 < card.min_contrast < 1
    assert card.min_side >= 1
    assert card.source


def test_vectors_are_what_the_card_says(descriptor, photos):
    """Shape, type, finite numbers, contrast from 0 to 1; also for no image at all."""
    check(descriptor.describe(photos), descriptor, len(photos))
    check(descriptor.describe([]), descriptor, 0)


def test_cosine_vectors_have_unit_length(descriptor, photos):
    """What is compared by angle is stored normalised, photographs and blank images alike."""
    if descriptor.card.metric == "cosine":
        blank = image(np.full((50, 60, 3), 255, np.uint8))
        vectors = descriptor.describe([*photos, blank]).vectors
        np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)


def test_a_batch_is_the_same_as_one_by_one(descriptor, photos):
    """Neither the neighbours in a batch nor the order changes a vector."""
    together = descriptor.describe(photos)
    for row, photo in enumerate(photos):
        alone = descriptor.describe([photo])
        np.testing.assert_array_equal(together.vectors[row], alone.vectors[0])
        np.testing.assert_array_equal(together.contrast[row], alone.contrast[0])


def test_the_same_image_is_at_zero(descriptor, photos):
    """Described twice, an image is at exactly 0 from itself, and at more from every other."""
    metric = METRICS[descriptor.card.metric]
    distance = metric(descriptor.describe(photos).vectors, descriptor.describe(photos).vectors)
    np.testing.assert_array_equal(np.eye(len(photos), dtype=bool), distance == 0)


def test_a_recompressed_copy_is_closest(descriptor, photos):
    """A JPEG of quality 30 is far closer to its original than any other photograph is, and than is typical."""
    metric = METRICS[descriptor.card.metric]
    copies = descriptor.describe([recompressed(photo) for photo in photos]).vectors
    distance = metric(copies, descriptor.describe(photos).vectors)
    distractors = distance[~np.eye(len(photos), dtype=bool)]
    assert 2 * np.diag(distance).max() < min(distractors.min(), descriptor.card.median_negative_distance)


@pytest.mark.parametrize("shape", ODD_SIZES)
def test_odd_sizes_are_described(descriptor, shape):
    """One pixel, lines, strips and sizes just off the inner ones give sound vectors, without a warning."""
    check(descriptor.describe([noise(shape)]), descriptor, 1)


@pytest.mark.parametrize("what", ["black", "white", "red", "faint ramp", "faint grain"])
def test_a_featureless_image_has_low_contrast(descriptor, what):
    """Blank paper of any colour, a ramp of three levels and grain below visibility are below the threshold."""
    ramp = np.broadcast_to(np.linspace(120, 123, 400)[None, :, None], (300, 400, 3))
    grain = np.random.default_rng(0).normal(128, 1, (300, 400, 3))
    pixels = {"black": 0, "white": 255, "red": (220, 20, 30), "faint ramp": ramp, "faint grain": grain}[what]
    array = np.broadcast_to(np.rint(pixels), (300, 400, 3)).astype(np.uint8)
    assert descriptor.describe([image(array)]).contrast[0] < descriptor.card.min_contrast


def test_a_photograph_has_contrast(descriptor, photos):
    """Photographs are well above the threshold."""
    assert descriptor.describe(photos).contrast.min() > 1.5 * descriptor.card.min_contrast


def test_pixels_are_only_read(descriptor):
    """Read-only pixels are described, and so are strided ones; the input stays as it was."""
    pixels = data.astronaut()
    before = pixels.copy()
    pixels.setflags(write=False)
    expected = descriptor.describe([image(pixels)]).vectors
    strided = np.repeat(pixels, 2, axis=0)[::2]
    np.testing.assert_array_equal(expected, descriptor.describe([image(strided)]).vectors)
    np.testing.assert_array_equal(before, pixels)


def test_threads_do_not_disturb_each_other(descriptor, photos):
    """Eight threads at once give the vectors of one."""
    expected = [descriptor.describe([photo]).vectors.tobytes() for photo in photos] * 8
    with ThreadPoolExecutor(8) as pool:
        actual = list(pool.map(lambda photo: descriptor.describe([photo]).vectors.tobytes(), photos * 8))
    assert expected == actual


def test_the_fingerprint_is_pinned(hash_alone):
    """Galleries on people's disks carry it, so it does not change by accident."""
    assert FINGERPRINTS[hash_alone.card.name] == hash_alone.card.fingerprint


@pytest.mark.parametrize(
    "change", [{"version": 99}, {"dim": 8}, {"metric": "other"}, {"bits": 1}, {"name": "other"}, {"origin": "x"}]
)
def test_another_algorithm_has_another_fingerprint(descriptor, change):
    """A new version, size or metric cannot be compared with old vectors."""
    assert descriptor.card.fingerprint != replace(descriptor.card, **change).fingerprint


def test_thresholds_are_not_part_of_the_fingerprint(descriptor):
    """Better calibration does not make stored vectors useless."""
    recalibrated = replace(descriptor.card, min_contrast=0.5, median_negative_distance=1.0, min_side=1, source="")
    assert descriptor.card.fingerprint == recalibrated.fingerprint


def test_all_at_once_are_as_each_alone(photos):
    """describe_all shares work between descriptors, and no vector changes by it."""
    images = [*photos, noise((1, 1)), noise((5000, 1))]
    for name, described in describe_all(images, names()).items():
        alone = get(name).describe(images)
        np.testing.assert_array_equal(alone.vectors, described.vectors)
        np.testing.assert_array_equal(alone.contrast, described.contrast)


def test_a_thumbnail_of_a_thumbnail_is_itself(photos):
    """That is what lets descriptors share it: those that do begin with it see nothing else."""
    for photo in photos:
        small = thumbnail(photo.pixels)
        assert small.shape == (64, 64, 3)
        assert thumbnail(small) is small


def test_who_says_that_it_sees_a_thumbnail_alone_does(descriptor, photos):
    """A card with ``thumbnail_input`` promises the same vectors from the thumbnail as from the image."""
    if descriptor.card.thumbnail_input:
        small = [replace(photo, pixels=thumbnail(photo.pixels)) for photo in photos]
        np.testing.assert_array_equal(descriptor.describe(small).vectors, descriptor.describe(photos).vectors)
    else:
        assert descriptor.card.min_side > 0


def test_a_thumbnail_is_means_of_blocks():
    """At whole factors of two, every pixel is the mean of its block, to one grey level per halving."""
    pixels = noise((256, 512)).pixels
    expected = pixels.reshape(64, 4, 64, 8, 3).mean(axis=(1, 3))
    np.testing.assert_allclose(thumbnail(pixels), expected, atol=1.5)


def test_the_loader_is_given_the_largest_side():
    """Images are decoded once for all descriptors, large enough for the one that needs most."""
    assert min_side(["colour", "pdq"]) == get("pdq").card.min_side
    assert min_side(["colour"]) == 64
    assert min_side([]) == 1


def test_an_unknown_name_lists_the_known_ones():
    """The error says what there is."""
    with pytest.raises(UserError, match="'smell'; there are colour, texture, structure, pdq"):
        get("smell")
    with pytest.raises(UserError, match="smell"):
        describe_all([], ["colour", "smell"])
