"""The loop: it learns, it goes on where it was interrupted, and it keeps its files whole."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from lookalike.errors import LookalikeError, UserError
from lookalike.training.data.augment import Augmenter
from lookalike.training.engine import losses, trainer
from lookalike.training.engine.recipe import LIGHT_AUGMENTATION, Augmentation, Phase, Recipe, Source
from lookalike.training.engine.trainer import Schedule
from lookalike.training.models.embedding_net import SMALL_WIDTHS, EmbeddingNet
from lookalike.training.models.residual_net import trunk
from lookalike.training.tasks.copy_detection import CopyTask, TrainingImages, copy_trainer, trained_copy_net
from samples import drawn

RECIPE = Recipe(
    seed=2,
    sources=(Source("drawn"),),
    phases=(Phase(32, 8, 5), Phase(40, 6, 3, koleo=0.5, augmentation=Augmentation(colour=0.9))),
    warmup_steps=2,
    ema_decay=0.9,
)


def images(count: int = 8, first: int = 0) -> TrainingImages:
    return TrainingImages(np.stack([drawn(seed, 32, 32) for seed in range(first, first + count)]))


def small_net(seed: int = 3) -> EmbeddingNet:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return EmbeddingNet(32, trunk(SMALL_WIDTHS))


def copy_run(folder: Path, recipe: Recipe = RECIPE) -> trainer.Trainer:
    return copy_trainer(recipe, [images()], small_net(), folder)


@pytest.fixture
def often(monkeypatch: pytest.MonkeyPatch) -> None:
    """A line every second step, a checkpoint every third."""
    monkeypatch.setattr(trainer, "LOG_EVERY", 2)
    monkeypatch.setattr(trainer, "SAVE_EVERY", 3)


def curve(folder: Path) -> list[int]:
    return [json.loads(line)["step"] for line in (folder / "curve.jsonl").read_text().splitlines()]


def test_it_learns(tmp_path: Path) -> None:
    """On views that were never trained on, the loss is far lower after than before, and copies beat negatives."""
    mild = replace(LIGHT_AUGMENTATION, mirror=0.5)
    recipe = replace(
        RECIPE, phases=(Phase(32, 8, 40, augmentation=mild), Phase(40, 8, 40, augmentation=mild)), warmup_steps=5
    )
    run = copy_trainer(recipe, [images()], EmbeddingNet(256, trunk(), p=3.0), tmp_path)
    edits = Augmenter(99, 32)
    plain = torch.from_numpy(images().pixels).permute(0, 3, 1, 2).float() / 255
    views = torch.cat(
        [
            edits.view(plain, 32, LIGHT_AUGMENTATION)[0],
            edits.view(plain, 32, replace(LIGHT_AUGMENTATION, mirror=1.0))[0],
        ]
    )

    def scored(network: torch.nn.Module) -> tuple[float, float]:
        with torch.no_grad():
            copy = network.eval()(views)
        similar = copy[:8] @ copy[8:].T
        loss = losses.nt_xent(copy, *losses.view_pairs(~torch.eye(16, dtype=torch.bool)), 0.1)
        return loss.item(), (similar.argmax(1) == torch.arange(8)).float().mean().item()

    before = scored(run.network)
    lines = list(run.train())
    after = scored(run.best_network())
    assert after[0] < 0.7 * before[0]
    assert after[1] >= 0.75
    assert lines[-1]["step"] == 80
    assert {"copy", "koleo", "size", "seconds"} <= set(lines[-1])


@pytest.mark.usefixtures("often")
def test_interrupted_and_resumed(tmp_path: Path) -> None:
    """Interrupted between two checkpoints and gone on with, a run ends at the same step, with the same line of the
    curve for every second step, and bit by bit with the weights of a run that was never interrupted."""
    whole = copy_run(tmp_path / "whole")
    list(whole.train())
    first = copy_run(tmp_path / "parts")
    for lines in first.train():
        if lines["step"] == 4:
            break
    with (tmp_path / "parts" / "curve.jsonl").open("a") as cut:
        cut.write('{"step": 6, "cop')
    second = copy_run(tmp_path / "parts")
    assert second.resume()
    assert second.step == 3
    list(second.train())
    assert (whole.step, second.step) == (8, 8)
    assert curve(tmp_path / "whole") == curve(tmp_path / "parts") == [2, 4, 6, 8]
    for mine, other in ((whole.best_network(), second.best_network()), (whole.network, second.network)):
        for name, value in mine.state_dict().items():
            assert torch.equal(value, other.state_dict()[name]), name


@pytest.mark.usefixtures("often")
def test_a_finished_run(tmp_path: Path) -> None:
    """There is nothing left to do, and the network is the one that was trained."""
    first = copy_run(tmp_path)
    list(first.train())
    again = copy_run(tmp_path)
    assert again.resume()
    assert list(again.train()) == []
    assert torch.equal(trained_copy_net(first).head.weight, trained_copy_net(again).head.weight)


def test_nothing_to_resume(tmp_path: Path) -> None:
    """Without a checkpoint a run begins at its beginning; a curve without one is begun again."""
    (tmp_path / "curve.jsonl").write_text('{"step": 20}\n')
    run = copy_run(tmp_path)
    assert (run.resume(), run.step, curve(tmp_path)) == (False, 0, [])


def test_a_checkpoint_is_whole_or_the_one_before(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Killed while it writes, a run leaves the checkpoint before."""
    run = copy_run(tmp_path)
    run.save()

    def killed(_: object, path: Path) -> None:
        path.write_bytes(b"half a check")
        raise KeyboardInterrupt

    monkeypatch.setattr(torch, "save", killed)
    run.step = 5
    with pytest.raises(KeyboardInterrupt):
        run.save()
    again = copy_run(tmp_path)
    assert (again.resume(), again.step) == (True, 0)


@pytest.mark.parametrize("content", [b"", b"no checkpoint", None])
def test_a_checkpoint_that_does_not_fit(tmp_path: Path, content: bytes | None) -> None:
    """A damaged checkpoint, and one of another network: an error that names the file."""
    larger = EmbeddingNet(32, trunk(SMALL_WIDTHS, (1, 2, 4)))
    copy_trainer(RECIPE, [images()], larger, tmp_path).save()
    if content is not None:
        (tmp_path / "checkpoint.pt").write_bytes(content)
    with pytest.raises(UserError, match=r"checkpoint\.pt"):
        copy_run(tmp_path).resume()


def test_a_run_leaves_the_random_numbers_of_others_alone(tmp_path: Path) -> None:
    """A run of some steps draws from its own seed and moves nobody else's generator."""
    before = torch.random.get_rng_state()
    first, again = (copy_run(tmp_path / name) for name in "ab")
    for run in (first, again):
        list(run.train())
    assert torch.equal(before, torch.random.get_rng_state())
    assert torch.equal(trained_copy_net(first).head.weight, trained_copy_net(again).head.weight)


def test_which_rows_are_negatives() -> None:
    """By loops over pairs of rows: two views are negatives if they have no image in common, neither their own nor one
    that is seen behind it."""
    task = CopyTask(RECIPE, [images(6), images(4, 6)], small_net())
    behind = torch.zeros(5, 5, dtype=torch.bool)
    behind[0, 1] = behind[3, 4] = behind[2, 4] = True

    class Showing(Augmenter):
        def view(self, given: torch.Tensor, size: int, _: Augmentation) -> tuple[torch.Tensor, torch.Tensor]:
            return torch.zeros(len(given), 3, size, size), behind

    views, distinct = task.batch(Phase(32, 5, 1), Showing(0, 16), np.random.default_rng(0))
    assert views.shape == (10, 3, 32, 32)
    seen = [{i % 5} | ({j for j in range(5) if behind[i % 5, j]} if i >= 5 else set()) for i in range(10)]
    for i in range(10):
        for j in range(10):
            assert bool(distinct[i, j]) == seen[i].isdisjoint(seen[j]), (i, j)


def test_which_images_a_batch_holds() -> None:
    """So many in all, none twice, more of a source of more weight, and a share of them of one source; a source that is
    too small gives all that it has."""
    recipe = replace(RECIPE, same_source=0.5)
    sources = [images(40), replace(images(40, 40), weight=3.0), images(2, 80)]
    task = CopyTask(recipe, sources, small_net())
    counts = np.zeros(3, int)
    for seed in range(200):
        rows = task.draw(16, np.random.default_rng(seed))
        assert [len(set(some)) for some in rows] == [len(some) for some in rows]
        sizes = [len(some) for some in rows]
        assert max(sizes) >= 8 or sizes[2] == 2
        assert sum(sizes) == 16 or sizes[2] == 2
        counts += sizes
    assert 1.8 < counts[1] / counts[0] < 3
    assert len(CopyTask(RECIPE, [images(4)], small_net()).draw(9, np.random.default_rng(0))[0]) == 4


def test_the_learning_rate() -> None:
    """It rises in a straight line over the warm-up, and falls to a hundredth at the end."""
    schedule = Schedule(steps=100, lr=1.0, weight_decay=0.0, warmup_steps=10, ema_decay=0.9)
    assert [trainer._learning_rate(schedule, step) for step in (0, 4, 9)] == pytest.approx([0.1, 0.5, 1.0])
    assert trainer._learning_rate(schedule, 10) == pytest.approx(1.0)
    assert trainer._learning_rate(schedule, 55) == pytest.approx(0.505)
    assert trainer._learning_rate(schedule, 100) == pytest.approx(0.01)


def test_parts_that_learn_at_a_rate_of_their_own(tmp_path: Path) -> None:
    """The longest beginning of a weight's name decides; a trunk that hardly learns stays as it is, while the head
    moves."""
    schedule = Schedule(4, 0.1, 0.0, 0, 0.5, lr_factors={"trunk.": 0.4, "trunk.17.": 1.0})
    factors = [schedule.lr_factor(name) for name in ("trunk.1.weight", "trunk.17.weight", "head.bias")]
    assert factors == [0.4, 1.0, 1.0]
    run = copy_run(tmp_path, replace(RECIPE, lr=1e-2, trunk_lr=1e-12))
    before = {name: value.clone() for name, value in run.network.named_parameters()}
    list(run.train())
    moved = {name for name, value in run.network.named_parameters() if (value - before[name]).abs().max() > 1e-6}
    assert "head.weight" in moved
    assert not {name for name in moved if name.startswith("trunk.")}


# --- any task


class Sums:
    """A task that can be followed by hand: one weight, pulled to 3; its score is how near it is."""

    def __init__(self, kind: str = "sums", broken_at: int = -1) -> None:
        self.identity = {"task": kind, "classes": ["a", "b"]}
        self.network = torch.nn.Linear(1, 1, bias=False)
        torch.nn.init.zeros_(self.network.weight)
        self.aux_head = torch.nn.Identity()
        self.broken_at = broken_at

    def loss(self, step: int) -> trainer.Loss:
        off = self.network.weight.squeeze() - 3
        noise = torch.rand(()) * 0  # a network may draw; it must not matter whether others drew before
        return trainer.Loss({"off": off.square() * (torch.nan if step == self.broken_at else 1) + noise}, {"off": 1.0})

    def validate(self, network: torch.nn.Module) -> dict[str, float]:
        return {"score": -abs(network.weight.item() - 1)}


def summed(folder: Path, steps: int = 12, **given: object) -> trainer.Trainer:
    return trainer.Trainer(Sums(**given), Schedule(steps, 0.5, 0.0, 0, 0.1, validate_every=2), folder)


def test_the_best_is_kept(tmp_path: Path) -> None:
    """The weight passes 1 on its way to 3: what is kept is the validation that was nearest to 1, also after a
    resume."""
    run = summed(tmp_path)
    scores = {int(lines["step"]): lines["score"] for lines in run.train() if "score" in lines}
    best = max(scores, key=scores.__getitem__)
    assert list(scores) == [2, 4, 6, 8, 10, 12]
    assert run.best is not None
    assert (run.best.step, round(run.best.score, 4)) == (best, round(scores[best], 4))
    assert best < 12
    again = summed(tmp_path)
    assert again.resume()
    kept = [one.best_network().weight.item() for one in (run, again)]
    assert kept[0] == kept[1] == pytest.approx(1, abs=-scores[best] + 1e-4)


def test_a_loss_that_is_no_number(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The run stops at that step, says what to try, and the checkpoint is the last good one."""
    monkeypatch.setattr(trainer, "SAVE_EVERY", 2)
    run = summed(tmp_path, broken_at=5)
    with pytest.raises(UserError, match=r"step 6.*--lr"):
        list(run.train())
    again = summed(tmp_path)
    assert (again.resume(), again.step) == (True, 4)
    assert torch.isfinite(again.network.weight).all()


def test_no_room_for_the_checkpoint(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A full disk is an error that says so; the checkpoint before is whole, and nothing lies about."""
    run = summed(tmp_path)
    run.save()

    def full(_: object, path: Path) -> None:
        path.write_bytes(b"half")
        raise OSError(28, "No space left on device")

    real = torch.save
    monkeypatch.setattr(torch, "save", full)
    run.step = 5
    with pytest.raises(LookalikeError, match="No space left"):
        run.save()
    monkeypatch.setattr(torch, "save", real)
    again = summed(tmp_path)
    assert (again.resume(), again.step, list(tmp_path.glob("*.part"))) == (True, 0, [])


def test_a_checkpoint_of_another_version(tmp_path: Path) -> None:
    """One with parts under other names is refused, with the first of them."""
    summed(tmp_path).save()
    state = torch.load(tmp_path / "checkpoint.pt", weights_only=True)
    state["helper"] = state.pop("aux_head")
    torch.save(state, tmp_path / "checkpoint.pt")
    with pytest.raises(UserError, match=r"checkpoint\.pt: unknown field 'helper'"):
        summed(tmp_path).resume()


def test_a_run_of_something_else(tmp_path: Path) -> None:
    """Another task, and other classes: refused, with what differs and both values."""
    summed(tmp_path).save()
    with pytest.raises(UserError, match=r'another task: "sums", not "others"'):
        summed(tmp_path, kind="others").resume()
    other = summed(tmp_path)
    other.task.identity["classes"] = ["a"]
    with pytest.raises(UserError, match="another classes"):
        other.resume()


def test_interrupted_with_and_without_a_best(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """``fit`` ends quietly when there is a best network to keep; without one the interruption is passed on."""
    real = trainer.Trainer._step

    def stop_at(step: int) -> None:
        def step_or_stop(run: trainer.Trainer) -> dict[str, float]:
            if run.step == step:
                raise KeyboardInterrupt
            return real(run)

        monkeypatch.setattr(trainer.Trainer, "_step", step_or_stop)

    stop_at(1)
    with pytest.raises(KeyboardInterrupt):
        trainer.fit(summed(tmp_path / "early"), lambda *_: None)
    stop_at(5)
    run = summed(tmp_path / "late")
    assert trainer.fit(run, lambda *_: None) is False
    assert run.best is not None


def test_what_a_network_draws_is_its_steps_own(tmp_path: Path) -> None:
    """Whatever was drawn before, a step draws the same; and nobody else's generator is moved."""
    drawn = []

    class Drawing(Sums):
        def loss(self, step: int) -> trainer.Loss:
            drawn.append((step, float(torch.rand(()))))
            return super().loss(step)

    for number, before in enumerate((1, 2)):
        run = trainer.Trainer(Drawing(), Schedule(3, 0.1, 0.0, 0, 0.5), tmp_path / str(number))
        torch.manual_seed(before)
        state = torch.random.get_rng_state()
        list(run.train())
        assert torch.equal(state, torch.random.get_rng_state())
    assert drawn[:3] == drawn[3:]
    assert len({value for _, value in drawn}) == 3
