"""Tiny networks of `transformers` with random weights, in folders as its library writes them."""

from __future__ import annotations

import io
import random
from pathlib import Path
from typing import Any

import sentencepiece
import torch
import transformers
from tokenizers import pre_tokenizers
from transformers.models.bit.image_processing_pil_bit import BitImageProcessorPil
from transformers.models.clip.image_processing_pil_clip import CLIPImageProcessorPil
from transformers.models.siglip.image_processing_pil_siglip import SiglipImageProcessorPil
from transformers.models.siglip2.image_processing_pil_siglip2 import Siglip2ImageProcessorPil
from transformers.models.vit.image_processing_pil_vit import ViTImageProcessorPil

TINY = {"hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2}
LENGTH = 16  # tokens
WORDS = ("a", "photo", "of", "the", "dog", "cat", "car", "street", "red", "house", "person", "sitting", "on", "two")


def clip(folder: Path) -> None:
    """A byte-level BPE of a few merges; images are cropped."""
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    merges = [("d", "o"), ("do", "g</w>"), ("c", "a"), ("ca", "t</w>"), ("o", "f</w>")]
    pieces = [*alphabet, *(one + "</w>" for one in alphabet), *(a + b for a, b in merges)]
    pieces += ["<|startoftext|>", "<|endoftext|>"]
    tokenizer = transformers.CLIPTokenizer(vocab={piece: n for n, piece in enumerate(pieces)}, merges=merges)
    tokenizer.save_pretrained(folder)
    text = {**TINY, "vocab_size": len(pieces), "max_position_embeddings": LENGTH}
    text |= {"eos_token_id": len(pieces) - 1, "bos_token_id": len(pieces) - 2, "pad_token_id": len(pieces) - 1}
    vision = {**TINY, "image_size": 32, "patch_size": 8}
    config = transformers.CLIPConfig(text_config=text, vision_config=vision, projection_dim=12)
    _save(transformers.CLIPModel(config), folder)
    size, crop = {"shortest_edge": 40}, {"height": 32, "width": 32}
    CLIPImageProcessorPil(size=size, crop_size=crop).save_pretrained(folder)
    (folder / "README.md").write_text("---\nlicense: mit\n---\nA tiny network.\n")


def siglip(folder: Path) -> None:
    """SentencePiece; images are squeezed."""
    chosen = random.Random(0)
    lines = [" ".join(chosen.choices(WORDS, k=8)) for _ in range(300)]
    model = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(lines), model_writer=model, vocab_size=80, pad_id=-1, bos_id=-1, eos_id=1, unk_id=2,
        hard_vocab_limit=False, minloglevel=2,
    )  # fmt: skip
    folder.mkdir(parents=True)
    (folder / "spiece.model").write_bytes(model.getvalue())
    tokenizer = transformers.SiglipTokenizer(str(folder / "spiece.model"), model_max_length=LENGTH)
    tokenizer.save_pretrained(folder)
    text = {**TINY, "vocab_size": len(tokenizer), "max_position_embeddings": LENGTH}
    text |= {"pad_token_id": 1, "bos_token_id": 1, "eos_token_id": 1}
    vision = {**TINY, "image_size": 32, "patch_size": 8}
    _save(transformers.SiglipModel(transformers.SiglipConfig(text_config=text, vision_config=vision)), folder)
    SiglipImageProcessorPil(size={"height": 32, "width": 32}).save_pretrained(folder)


def siglip2(folder: Path) -> None:
    """Byte pairs padded on the left; images of any shape in 16 patches."""
    pieces = ["<pad>", "<eos>", "<bos>", "<unk>", "<mask>", *(f"<0x{n:02X}>" for n in range(256))]
    pieces += [*"abcdefghijklmnopqrstuvwxyz▁", "do", "dog"]
    vocabulary = {piece: n for n, piece in enumerate(pieces)}
    tokenizer = transformers.Siglip2Tokenizer(vocab=vocabulary, merges=[("d", "o"), ("do", "g")])
    tokenizer.save_pretrained(folder)
    text = {**TINY, "vocab_size": len(pieces), "max_position_embeddings": LENGTH}
    text |= {"pad_token_id": 0, "bos_token_id": 2, "eos_token_id": 1}
    vision = {**TINY, "num_patches": 9, "patch_size": 8}
    _save(transformers.Siglip2Model(transformers.Siglip2Config(text_config=text, vision_config=vision)), folder)
    Siglip2ImageProcessorPil(patch_size=8, max_num_patches=16).save_pretrained(folder)


def dinov2(folder: Path) -> None:
    """No text; images are cropped."""
    config = transformers.Dinov2Config(
        hidden_size=16, num_hidden_layers=1, num_attention_heads=2, image_size=28, patch_size=7
    )
    _save(transformers.Dinov2Model(config), folder)
    BitImageProcessorPil(size={"shortest_edge": 36}, crop_size={"height": 28, "width": 28}).save_pretrained(folder)


def vit(folder: Path) -> None:
    """A classifier, whose classes are left behind; images are squeezed."""
    config = transformers.ViTConfig(**TINY, image_size=32, patch_size=8, num_labels=3)
    _save(transformers.ViTForImageClassification(config), folder)
    ViTImageProcessorPil(size={"height": 32, "width": 32}).save_pretrained(folder)


def bert(folder: Path) -> None:
    """A network of texts alone."""
    config = transformers.BertConfig(**TINY, vocab_size=20)
    _save(transformers.BertModel(config), folder)


def _save(model: Any, folder: Path) -> None:
    """With weights of another size than those that training begins with, so that images differ."""
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.ndim > 1:
                parameter.mul_(4)
    model.eval().save_pretrained(folder)
