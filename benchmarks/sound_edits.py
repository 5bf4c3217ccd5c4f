"""Soundtracks for benchmarks and fits: pieces, real ones and drawn ones; what people do to them; and questions.

All sound is (N,) float32 at RATE samples a second, full scale -1..1.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

from lookalike.comparison.sound_alignment import SoundMatch
from lookalike.descriptors.sound import FIRST_SECONDS, WORD_SECONDS, SoundDescription, describe_sound
from lookalike.imaging.sound_stream import SAMPLE_RATE

Sound = NDArray[np.float32]
Draw = np.random.Generator
RATE = 44_100
PART_SECONDS = (8.0, 20.0)  # of a piece that is taken over
HOST_SECONDS = 25.0  # of other sound around it
MIN_PIECE_SECONDS = 10.0
STEADY_SECONDS = 20.0
NEAR = 0.5  # seconds within which an offset is right
STEP_SAMPLES = 4096
LATE_SECONDS = 0.04  # by which a drawn note may be late

Span = tuple[float, float, float, float]  # seconds of a, of b


@dataclass(frozen=True)
class Piece:
    """A recording, or a drawn one."""

    name: str
    sound: Sound

    @property
    def seconds(self) -> float:
        return len(self.sound) / RATE

    def part(self, start: float, seconds: float) -> Sound:
        return self.sound[int(start * RATE) : int((start + seconds) * RATE)]


@dataclass(frozen=True)
class Question:
    """Two soundtracks, and what they share; None: nothing."""

    kind: str
    name: str
    a: Sound
    b: Sound
    truth: Span | None


def load(path: Path) -> Sound:
    """A file's first soundtrack, its channels mixed."""
    resampler, found = av.AudioResampler(format="flt", layout="mono", rate=RATE), [np.zeros(0, np.float32)]
    with av.open(str(path)) as container:
        for frame in [*container.decode(audio=0), None]:
            found += [one.to_ndarray()[0] for one in resampler.resample(frame)]
    return np.concatenate(found)


def pieces(files: Sequence[Path], drawn: int, seed: int) -> list[Piece]:
    """Every file that is long enough, and ``drawn`` pieces of music and as many of speech that is none."""
    real = [Piece(path.stem, load(path)) for path in files]
    draw = np.random.default_rng(seed)
    made = [Piece(f"{kind.__name__} {n}", kind(draw, 40.0)) for n in range(drawn) for kind in (music, speech)]
    return [one for one in [*real, *made] if one.seconds >= MIN_PIECE_SECONDS]


def music(draw: Draw, seconds: float) -> Sound:
    """Chords, a tune and drums, played by hand: the bars come again, no note at the very same time or as loud."""
    beat = 60 / draw.uniform(80, 150)
    root, chords = draw.uniform(110, 220), draw.choice([0, 2, 3, 5, 7, 8, 10], 4)
    sound = np.zeros(int((seconds + 8 * beat) * RATE), np.float32)
    for number in range(int(seconds / beat)):
        chord = chords[number // 4 % 4]
        notes = [(chord + step, 0.12, 1.2) for step in (0, 4 if number % 8 < 4 else 3, 7)]
        notes.append((chord + draw.choice([12, 14, 16, 19, 24]), 0.25, 0.8))
        for step, level, length in notes:
            at = int((number * beat + draw.uniform(0, LATE_SECONDS)) * RATE)
            tone = _tone(root * 2 ** (step / 12), length * beat) * np.float32(level * draw.uniform(0.4, 1.6))
            sound[at : at + len(tone)] += tone
        hit = draw.normal(size=int(0.08 * RATE)) * np.exp(-np.linspace(0, 6, int(0.08 * RATE))) * 0.3
        sound[at : at + len(hit)] += hit.astype(np.float32)
    return sound[: int(seconds * RATE)] * np.float32(0.5)


def _tone(frequency: float, seconds: float) -> Sound:
    time = np.arange(int(seconds * RATE)) / RATE
    overtones = sum(np.sin(2 * np.pi * frequency * n * time) / n**1.3 for n in range(1, 7))
    return np.asarray(overtones * np.exp(-3 * time / seconds) * np.minimum(time * 100, 1), np.float32)


def speech(draw: Draw, seconds: float) -> Sound:
    """A buzzing or hissing source through three moving formants, in syllables with pauses."""
    count = int(seconds * RATE)
    time = np.arange(count) / RATE
    steps = int(seconds * 5) + 2
    grid = np.linspace(0, seconds, steps)
    pitch = np.interp(time, grid, draw.uniform(90, 220) * draw.uniform(0.8, 1.25, steps))
    phase = 2 * np.pi * np.cumsum(pitch) / RATE
    syllables = np.interp(time, grid, draw.choice([0, 0.2, 1, 1], steps))
    voiced = np.interp(time, grid, draw.choice([0.0, 1.0, 1.0], steps))
    sound = np.zeros(count)
    for low, high in ((300, 900), (900, 2300), (2300, 3200)):
        formant = np.interp(time, grid, draw.uniform(low, high, steps))
        buzz = sum(
            np.sin(n * phase) * np.exp(-(((n * pitch - formant) / 120) ** 2)) for n in range(1, int(high / 90), 2)
        )
        hiss = np.sin(2 * np.pi * np.cumsum(formant + 150 * draw.normal(size=count)) / RATE)
        sound += voiced * buzz + (1 - voiced) * hiss * 0.3
    return np.asarray(0.2 * syllables * sound, np.float32)


def encoded(sound: Sound, codec: str, kbits: int, form: str, rate: int = 48_000) -> Sound:
    """Through a lossy codec and back."""
    file = io.BytesIO()
    with av.open(file, "w", format=form) as container:
        stream = container.add_stream(codec, rate=rate, layout="mono")
        stream.bit_rate = 1000 * kbits
        resampler = av.AudioResampler(format=stream.codec_context.format.name, layout="mono", rate=rate)
        for frame in [*_frames(sound), None]:
            for one in resampler.resample(frame):
                container.mux(stream.encode(one))
        container.mux(stream.encode(None))
    file.seek(0)
    resampler, found = av.AudioResampler(format="flt", layout="mono", rate=RATE), [np.zeros(0, np.float32)]
    with av.open(file) as container:
        for frame in [*container.decode(audio=0), None]:
            found += [one.to_ndarray()[0] for one in resampler.resample(frame)]
    return np.concatenate(found)


def _frames(sound: Sound) -> Iterator[av.AudioFrame]:
    for start in range(0, len(sound), STEP_SAMPLES):
        block = np.ascontiguousarray(sound[None, start : start + STEP_SAMPLES])
        frame = av.AudioFrame.from_ndarray(block, format="flt", layout="mono")
        frame.sample_rate, frame.pts, frame.time_base = RATE, start, Fraction(1, RATE)
        yield frame


def filtered(sound: Sound, *steps: tuple[str, str]) -> Sound:
    """Through FFmpeg's filters, by name and arguments."""
    graph = av.filter.Graph()
    source = graph.add_abuffer(sample_rate=RATE, format="flt", layout="mono", time_base=Fraction(1, RATE))
    form = ("aformat", f"sample_fmts=flt:channel_layouts=mono:sample_rates={RATE}")
    nodes = [source, *(graph.add(*step) for step in (*steps, form)), graph.add("abuffersink")]
    for one, following in pairwise(nodes):
        one.link_to(following)
    graph.configure()
    found = []
    for frame in [*_frames(sound), None]:
        source.push(frame)
        while True:
            try:
                found.append(nodes[-1].pull().to_ndarray()[0])
            except (av.error.BlockingIOError, av.error.EOFError):
                break
    return np.concatenate(found)


def mixed(sound: Sound, other: Sound, decibels: float) -> Sound:
    """With other sound on top, by so much softer."""
    other = np.resize(other, len(sound))
    ratio = np.sqrt((sound**2).mean() / max(float((other**2).mean()), 1e-12)) * 10 ** (-decibels / 20)
    return np.asarray(sound + other * ratio, np.float32)


def _noise(sound: Sound) -> Sound:
    return np.random.default_rng(len(sound)).normal(size=len(sound)).astype(np.float32)


def _equalizer(sound: Sound) -> Sound:
    return filtered(sound, ("equalizer", "f=500:t=o:w=1:g=10"), ("equalizer", "f=1500:t=o:w=1:g=-10"))


def _tape(sound: Sound, speed: float) -> Sound:
    return filtered(sound, ("asetrate", f"{round(RATE * speed)}"), ("aresample", f"{RATE}"))


def _tempo(sound: Sound, speed: float) -> Sound:
    return filtered(sound, ("atempo", f"{speed}"))


EDITS: dict[str, tuple[float, Callable[[Sound, Sound], Sound]]] = {
    "AAC 128 kbit/s": (1.0, lambda x, _: encoded(x, "aac", 128, "mp4")),
    "AAC 48 kbit/s": (1.0, lambda x, _: encoded(x, "aac", 48, "mp4")),
    "MP3 64 kbit/s": (1.0, lambda x, _: encoded(x, "libmp3lame", 64, "mp3")),
    "Opus 24 kbit/s": (1.0, lambda x, _: encoded(x, "libopus", 24, "ogg")),
    "softer, equalised": (1.0, lambda x, _: _equalizer(x) * np.float32(0.05)),
    "compressed dynamics": (1.0, lambda x, _: filtered(x, ("acompressor", "threshold=0.05:ratio=8:attack=5"))),
    "telephone": (1.0, lambda x, _: filtered(x, ("highpass", "f=300"), ("lowpass", "f=3400"))),
    "echo": (1.0, lambda x, _: filtered(x, ("aecho", "0.8:0.7:60|90:0.4|0.3"))),
    "noise 10 dB below": (1.0, lambda x, _: mixed(x, _noise(x), 10)),
    "noise as loud": (1.0, lambda x, _: mixed(x, _noise(x), 0)),
    "voice 10 dB below": (1.0, lambda x, o: mixed(x, o, 10)),
    "voice 3 dB below": (1.0, lambda x, o: mixed(x, o, 3)),
    "voice as loud": (1.0, lambda x, o: mixed(x, o, 0)),
    "voice 6 dB above": (1.0, lambda x, o: mixed(x, o, -6)),
    "speed 0.8, pitch kept": (0.8, lambda x, _: _tempo(x, 0.8)),
    "speed 1.25, pitch kept": (1.25, lambda x, _: _tempo(x, 1.25)),
    "speed 1.5, pitch kept": (1.5, lambda x, _: _tempo(x, 1.5)),
    "speed 2, pitch kept": (2.0, lambda x, _: _tempo(x, 2.0)),
    "speed 1.04, with its pitch": (1.04, lambda x, _: _tape(x, 1.04)),
    "speed 0.8, with its pitch": (0.8, lambda x, _: _tape(x, 0.8)),
    "speed 1.25, with its pitch": (1.25, lambda x, _: _tape(x, 1.25)),
    "pitch a semitone higher": (1.0, lambda x, _: _tempo(_tape(x, 2 ** (1 / 12)), 2 ** (-1 / 12))),
}
UNRELATED, OTHER_PART, STEADY = "unrelated", "another part of the same piece", "silence, hum and noise"
NEGATIVES = (UNRELATED, OTHER_PART, STEADY)


def describe(sound: Sound) -> SoundDescription:
    """As it would be read from a file."""
    resampler = av.AudioResampler(format="flt", layout="mono", rate=SAMPLE_RATE)
    frames = (one for frame in [*_frames(sound), None] for one in resampler.resample(frame))
    return describe_sound(one.to_ndarray()[0] for one in frames)


def is_true(match: SoundMatch, truth: Span | None) -> bool:
    """Whether a stretch lies in what is shared, and at the same offset."""
    if truth is None:
        return False
    middle = (match.a_start + match.a_end) / 2
    time, shown = (place * WORD_SECONDS + FIRST_SECONDS for place in (middle, match.slope * middle + match.offset))
    wanted = truth[2] + (time - truth[0]) * (truth[3] - truth[2]) / (truth[1] - truth[0])
    return truth[0] <= time <= truth[1] and abs(shown - wanted) <= NEAR


def questions(found: Sequence[Piece], each: int, negatives: int, seed: int) -> Iterator[Question]:
    """``each`` of every edit, ``negatives`` of every kind of what is no copy."""
    draw = np.random.default_rng(seed)
    for kind in EDITS:
        for _ in range(each):
            yield _copy(kind, found, draw)
    for _ in range(negatives):
        yield _unrelated(found, draw)
        yield _other_part(found, draw)
        yield _steady(found, draw)


def _drawn(found: Sequence[Piece], draw: Draw, count: int) -> list[Piece]:
    return [found[n] for n in draw.choice(len(found), count, replace=False)]


def _window(piece: Piece, draw: Draw) -> tuple[float, float]:
    """Start and seconds of a part."""
    seconds = min(draw.uniform(*PART_SECONDS), piece.seconds)
    return draw.uniform(0, piece.seconds - seconds), seconds


def _copy(kind: str, found: Sequence[Piece], draw: Draw) -> Question:
    """A part of a piece within other sound, as loud."""
    piece, host, voice = _drawn(found, draw, 3)
    start, seconds = _window(piece, draw)
    speed, edit = EDITS[kind]
    part = edit(piece.part(start, seconds), voice.sound)
    host_start = draw.uniform(0, max(host.seconds - HOST_SECONDS, 0))
    around = host.part(host_start, HOST_SECONDS)
    before = draw.uniform(0, len(around) / RATE)
    around = around * np.float32(part.std() / max(float(around.std()), 1e-6))
    cut = int(before * RATE)
    sound = np.concatenate([around[:cut], part, around[cut:]])
    return Question(kind, piece.name, piece.sound, sound, (start, start + seconds, before, before + seconds / speed))


def _unrelated(found: Sequence[Piece], draw: Draw) -> Question:
    pair = _drawn(found, draw, 2)
    a, b = (one.part(*_window(one, draw)) for one in pair)
    return Question(UNRELATED, " and ".join(one.name for one in pair), a, b, None)


def _other_part(found: Sequence[Piece], draw: Draw) -> Question:
    (piece,) = _drawn([one for one in found if one.seconds >= 2 * MIN_PIECE_SECONDS], draw, 1)
    seconds = min(draw.uniform(*PART_SECONDS), piece.seconds / 2.1)
    first = draw.uniform(0, piece.seconds - 2 * seconds)
    second = draw.uniform(first + seconds, piece.seconds - seconds)
    return Question(OTHER_PART, piece.name, piece.part(first, seconds), piece.part(second, seconds), None)


def _steady(found: Sequence[Piece], draw: Draw) -> Question:
    (piece,) = _drawn(found, draw, 1)
    kept = piece.part(0, STEADY_SECONDS) if draw.random() < 0.3 else encoded(_without_events(draw), "aac", 64, "mp4")
    return Question(STEADY, piece.name, kept, encoded(_without_events(draw), "aac", 96, "mp4"), None)


def _without_events(draw: Draw) -> Sound:
    """Silence, the hum of the mains, noise, or both."""
    time = np.arange(int(STEADY_SECONDS * RATE)) / RATE
    hum = sum(np.sin(2 * np.pi * 50 * n * time + draw.uniform(0, 6)) / n for n in range(1, 30))
    loudness = draw.choice([0, 0.05]), draw.choice([0, 0.01])
    return np.asarray(loudness[0] * hum + loudness[1] * draw.normal(size=len(time)), np.float32)
