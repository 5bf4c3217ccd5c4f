"""A tokenizer of transformers as one file of the library `tokenizers`, which pads and cuts by itself.

SigLIP's first tokenizer is SentencePiece after a small clean-up of the text: both are put into the file.
"""

from __future__ import annotations

import string
from pathlib import Path
from typing import Any

from lookalike.errors import ModelError
from lookalike.training.imported.checkpoint import Checkpoint

SAMPLES = (  # texts that both must read alike
    "a photo of a dog",
    "Two cats, one of them black, asleep on a sofa.",
    "red car on a street",
    "",
    "it's 3 o'clock -- 25% off!",
    "naïve café in Zürich",
    "日本の桜",
    "spaces   and\nlines\t",
    "a very long text " * 30,
)


def write_tokenizer(checkpoint: Checkpoint, path: Path) -> None:
    """Raises ModelError if what was written reads SAMPLES otherwise than transformers does."""
    from tokenizers import Tokenizer

    source = checkpoint.tokenizer
    fast = getattr(source, "backend_tokenizer", None)
    found = Tokenizer.from_str(fast.to_str()) if fast is not None else _of_sentencepiece(source)
    found.enable_truncation(max_length=checkpoint.length)
    found.enable_padding(
        length=checkpoint.length,
        pad_id=source.pad_token_id,
        pad_token=str(source.pad_token),
        direction=source.padding_side,
    )
    found.save(str(path))
    for text in SAMPLES:
        expected = source(text, padding="max_length", max_length=checkpoint.length, truncation=True)["input_ids"]
        if found.encode(text).ids != list(expected):
            raise ModelError(f"{path.name}: the tokenizer reads {text!r} otherwise than transformers does")


def _of_sentencepiece(source: Any) -> Any:
    """SentencePiece's own model, behind what SigLIP does to a text: lower case, no punctuation, single spaces."""
    from tokenizers import AddedToken, Regex, normalizers, processors
    from transformers.convert_slow_tokenizer import SpmConverter

    proto = SpmConverter(source).proto
    pieces = [(piece.piece, piece.score) for piece in proto.pieces]
    found = SpmConverter.build_tokenizer_from_spm_proto(proto, pieces, legacy=False)
    found.normalizer = normalizers.Sequence(
        [
            *([normalizers.Lowercase()] if source.do_lower_case else []),
            normalizers.Replace(Regex(f"[{_escaped(string.punctuation)}]"), ""),
            normalizers.Replace(Regex(r"\s+"), " "),
            normalizers.Strip(),
            found.normalizer,
        ]
    )
    end = str(source.eos_token)
    found.add_special_tokens([AddedToken(end, normalized=False, special=True)])
    found.post_processor = processors.TemplateProcessing(
        single=f"$A {end}", special_tokens=[(end, source.eos_token_id)]
    )
    return found


def _escaped(characters: str) -> str:
    """For a class of characters in a regular expression."""
    return "".join("\\" + one for one in characters)
