"""A gallery's images, classified: every one accounted for, once per model, in batches, and again when they change."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from lookalike.errors import ModelDamaged, UserError
from lookalike.gallery import Gallery
from lookalike.gallery.elsewhere import read as reading
from lookalike.gallery.labels import classify
from lookalike.types import ClassifyReport
from networks import install, labelled_card, means, with_logits
from samples import save
from tinted import install_classifier, kind_of, tinted, tinted_folder

COUNT = 12
COUNTS = {"blue": 4, "green": 4, "red": 4}


@pytest.fixture(autouse=True)
def models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The user's models: one that tells colours."""
    monkeypatch.setenv("LOOKALIKE_MODELS", str(tmp_path / "models"))
    install_classifier(tmp_path / "models")
    return tmp_path / "models"


@pytest.fixture
def gallery(tmp_path: Path) -> Iterator[Gallery]:
    """Twelve images of three kinds."""
    with Gallery.create(tmp_path / "g", ["colour", "structure"]) as opened:
        opened.add(tinted_folder(tmp_path / "photos", COUNT))
        yield opened


def counts(report: ClassifyReport) -> tuple[int, int, int, int]:
    return report.labelled, report.abstained, report.unchanged, len(report.failed)


def result(gallery: Gallery) -> dict[str, str]:
    return {Path(one.path).stem: one.labels[0].label for one in gallery.labels()}


def test_every_image_gets_its_label(gallery: Gallery) -> None:
    """Label, probability and source of each; the counts; a progress that ends at the end."""
    seen: list[tuple[int, int]] = []
    report = gallery.classify("means", progress=lambda done, total: seen.append((done, total)))
    assert counts(report) == (COUNT, 0, 0, 0)
    assert report.counts == COUNTS
    assert seen[-1] == (COUNT, COUNT)
    assert result(gallery) == {f"{seed:02}": kind_of(seed) for seed in range(COUNT)}
    assert {one.labels[0].source for one in gallery.labels()} == {report.source}
    assert all(0.4 <= one.labels[0].probability <= 1 for one in gallery.labels())


def test_what_indexing_kept_needs_no_files(gallery: Gallery, tmp_path: Path) -> None:
    """A gallery that holds the network's vectors has its classes beside them: the same labels, with the files gone."""
    gallery.classify("means")
    with Gallery.create(tmp_path / "kept", ["structure", "tint"]) as kept:
        kept.add(tmp_path / "photos")
        for file in (tmp_path / "photos").iterdir():
            file.unlink()
        report = kept.classify("means", top=2)
        assert (counts(report), report.counts) == ((COUNT, 0, 0, 0), COUNTS)
        expected = {Path(one.path).stem: one.labels[0] for one in gallery.labels()}
        for one in kept.labels():
            first = expected[Path(one.path).stem]
            assert (one.labels[0].label, len(one.labels)) == (first.label, 2)
            assert one.labels[0].probability == pytest.approx(first.probability, abs=1e-3)


def test_a_search_goes_by_labels(gallery: Gallery, tmp_path: Path) -> None:
    """`where` knows label and label_probability: only such images are found, end to end."""
    gallery.classify("means")
    sure = {one.path: one.labels[0].probability for one in gallery.labels() if one.labels[0].label == "green"}
    limit = sum(sorted(sure.values())[1:3]) / 2
    where = f"label = 'green' and label_probability > {limit:.9f}"
    hits = gallery.search(tmp_path / "photos" / "00.png", COUNT, by="colour", where=where)
    assert {path for path, share in sure.items() if share > limit} == {hit.path for hit in hits}
    assert len(hits) == 2
    assert [one.path for one in gallery.labels(where=where)] == sorted(hit.path for hit in hits)


def test_a_wrong_filter_writes_nothing(gallery: Gallery) -> None:
    """It is refused before the gallery knows of the model."""
    with pytest.raises(UserError, match="where"):
        gallery.classify("means", where="width >")
    assert gallery._library.store.labels.classes("means") == {}


def test_once_per_model(gallery: Gallery, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A second run reads nothing; new images are read, and all with ``redo`` or for more labels."""
    gallery.classify("means")
    read: list[str] = []
    real = reading.load
    monkeypatch.setattr(reading, "load", lambda path, **given: read.append(path) or real(path, **given))
    assert counts(gallery.classify("means")) == (0, 0, COUNT, 0)
    assert read == []
    gallery.add(save(tmp_path / "photos" / "new.png", tinted(13)))
    assert counts(gallery.classify("means")) == (1, 0, COUNT, 0)
    assert counts(gallery.classify("means", redo=True)) == (COUNT + 1, 0, 0, 0)
    assert counts(gallery.classify("means", top=2)) == (COUNT + 1, 0, 0, 0)
    assert {len(one.labels) for one in gallery.labels()} == {2}
    assert sum(gallery.label_counts()[gallery.labels()[0].labels[0].source].values()) == COUNT + 1


def test_what_it_is_unsure_of(gallery: Gallery, models: Path) -> None:
    """Below the threshold there is no label, it is counted, and it is not asked about again."""
    install_classifier(models, abstain_below=0.999)
    assert counts(gallery.classify("means")) == (0, COUNT, 0, 0)
    assert gallery.labels() == []
    assert counts(gallery.classify("means")) == (0, 0, COUNT, 0)


def test_a_filter(gallery: Gallery) -> None:
    """Only the images of ``where`` are classified and counted."""
    assert counts(gallery.classify("means", where="path like '%/0_.png'")) == (10, 0, 0, 0)
    assert counts(gallery.classify("means", where="label is null")) == (2, 0, 0, 0)


def test_an_older_version_is_replaced(gallery: Gallery, models: Path) -> None:
    """A new file of the same model with the same classes: its labels take the place of the old ones, image by
    image."""
    first = gallery.classify("means").source
    install_classifier(models, with_logits(means(floor=-2)))
    second = gallery.classify("means", where="path like '%/0_.png'")
    assert second.source != first
    assert counts(second) == (10, 0, 0, 0)
    assert {source: sum(result.values()) for source, result in gallery.label_counts().items()} == {
        first: 2,
        second.source: 10,
    }
    assert len(gallery.labels(source="means")) == COUNT
    assert len(gallery.labels(source=first)) == 2


def test_other_classes_are_refused(gallery: Gallery, models: Path) -> None:
    """A model of the same name with another set of classes is refused, and nothing changes, unless it is to replace."""
    before = gallery.classify("means")
    install_classifier(models, names=["rot", "green", "blue"])
    with pytest.raises(UserError, match=r"'means' with other classes \(red, green, blue\) than this one \(rot, green"):
        gallery.classify("means")
    assert gallery.label_counts() == {before.source: COUNTS}
    after = gallery.classify("means", replace=True, where="path like '%/00.png'")
    assert gallery.label_counts() == {after.source: {"rot": 1}}


def test_two_models_side_by_side(gallery: Gallery, tmp_path: Path) -> None:
    """Each keeps its labels; one can be forgotten alone."""
    gallery.classify("means")
    other = install(tmp_path / "other", "hues", with_logits(means()), labelled_card("hues"))
    gallery.classify(other)
    assert [len(one.labels) for one in gallery.labels()] == [2] * COUNT
    assert gallery.forget_labels("means") == COUNT
    assert {one.labels[0].source.split()[0] for one in gallery.labels()} == {"hues"}
    assert counts(gallery.classify("means")) == (COUNT, 0, 0, 0)


def test_files_that_cannot_be_used(gallery: Gallery, tmp_path: Path) -> None:
    """Gone, damaged, changed: each is listed with its reason, the others are classified; the next run tries again."""
    photos = tmp_path / "photos"
    kept = (photos / "01.png").read_bytes()
    (photos / "00.png").unlink()
    (photos / "01.png").write_bytes(kept[:300])
    save(photos / "02.png", tinted(99))
    report = gallery.classify("means")
    assert counts(report) == (COUNT - 3, 0, 0, 3)
    reasons = {Path(one.path).name: one.reason for one in report.failed}
    assert reasons["00.png"] == "vanished: it was indexed, and then gone"
    assert reasons["02.png"] == "changed since it was indexed; index its folder again"
    assert set(reasons) == {"00.png", "01.png", "02.png"}
    (photos / "01.png").write_bytes(kept)
    assert counts(gallery.classify("means")) == (1, 0, COUNT - 3, 2)


def test_a_changed_image_loses_its_labels(gallery: Gallery, tmp_path: Path) -> None:
    """New content is a new image: it has no label until it is classified; a moved one keeps its own."""
    gallery.classify("means")
    save(tmp_path / "photos" / "00.png", tinted(14))
    (tmp_path / "photos" / "01.png").rename(tmp_path / "photos" / "moved.png")
    report = gallery.add(tmp_path / "photos")
    assert (report.updated, report.moved) == (1, 1)
    assert "00" not in result(gallery)
    assert result(gallery)["moved"] == kind_of(1)
    assert counts(gallery.classify("means")) == (1, 0, COUNT - 1, 0)
    assert result(gallery)["00"] == kind_of(14)
    gallery.remove(tmp_path / "photos" / "00.png")
    assert "00" not in result(gallery)


def test_interrupted(gallery: Gallery, monkeypatch: pytest.MonkeyPatch) -> None:
    """Stopped in the middle, what was told is kept, and the next run asks about the rest alone."""
    monkeypatch.setattr(classify, "CHUNK", 1)
    seen = []

    def stop(done: int, total: int) -> None:
        seen.append(total)
        if done == 5:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        gallery.classify("means", progress=stop)
    assert len(gallery.labels()) == 5
    assert counts(gallery.classify("means")) == (COUNT - 5, 0, 5, 0)
    assert result(gallery) == {f"{seed:02}": kind_of(seed) for seed in range(COUNT)}


def test_a_model_that_breaks_off(gallery: Gallery, models: Path) -> None:
    """A damaged file is told as such, and no label is written."""
    (models / "means.onnx").write_bytes(b"no model")
    with pytest.raises(ModelDamaged, match="damaged or swapped"):
        gallery.classify("means")
    assert gallery.labels() == []


def test_nothing_there(tmp_path: Path) -> None:
    """An empty gallery is classified at once; nonsense is refused."""
    with Gallery.create(tmp_path / "empty", ["colour"]) as gallery:
        assert counts(gallery.classify("means")) == (0, 0, 0, 0)
        for given, why in (({"top": 0}, "top must be"), ({"where": "label ="}, "too early")):
            with pytest.raises(UserError, match=why):
                gallery.classify("means", **given)
