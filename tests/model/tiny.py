"""A little data about ships, checkpoints of several architectures and training settings, all made in code."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer
from transformers import CONFIG_MAPPING, AutoModelForQuestionAnswering, PreTrainedTokenizerFast

from model.training_settings import TrainingSettings

PLACES = ["Tarn", "Ulm", "Orrin", "Veldt", "Skarrel", "Wick"]
SHIPS = ["Heron", "Swan", "Gull", "Tern", "Stork", "Crane", "Rook", "Wren"]
SIZES = {
    "albert": {"embedding_size": 8, "hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2},
    "bert": {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2},
    "distilbert": {"dim": 16, "n_layers": 2, "n_heads": 2, "hidden_dim": 32},
    "deberta-v2": {
        **{"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "type_vocab_size": 0},
        **{"relative_attention": True, "position_buckets": 8, "norm_rel_ebd": "layer_norm", "share_att_key": True},
        **{"pos_att_type": ["p2c", "c2p"], "position_biased_input": False},
    },
    "electra": {"embedding_size": 8, "hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2},
    "roberta": {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "type_vocab_size": 1},
}
"""As their configs name them, in the way of the published checkpoints; DeBERTa's is that of version 3."""


def write_ships(folder: Path, train: int = 40, validation: int = 12) -> Path:
    """Writes both splits: where ships were built and when they sank; one question in five has no answer."""
    folder.mkdir(parents=True, exist_ok=True)
    draw = random.Random(5)
    for split, count in (("train", train), ("validation", validation)):
        paragraphs = [_paragraph(f"{split}-{number}", draw) for number in range(count)]
        text = json.dumps({"version": "v2.0", "data": [{"title": f"Ships {split}", "paragraphs": paragraphs}]})
        (folder / f"{split}.json").write_text(text, encoding="utf-8")
    return folder


def _paragraph(key: str, draw: random.Random) -> dict[str, Any]:
    ship, place, year = draw.choice(SHIPS), draw.choice(PLACES), str(draw.randrange(1800, 1990))
    rest = " ".join(f"She sailed to {draw.choice(PLACES)}." for _ in range(draw.randrange(12)))
    context = f"The {ship} was built in {place}. {rest} She sank in {year}.".replace("  ", " ")
    question, answer = draw.choice([(f"Where was the {ship} built?", place), (f"When did the {ship} sink?", year)])
    golds = [{"text": answer, "answer_start": context.index(answer)}]
    if draw.random() < 0.2:
        question, golds = f"Who sailed the {ship}?", []
    qa = {"id": key, "question": question, "answers": golds, "is_impossible": not golds}
    return {"context": context, "qas": [qa]}


def tiny_settings(data: Path, output: Path, **changes: Any) -> TrainingSettings:
    """A run of eight steps that takes a second or two; three checkpoints, four evaluations."""
    scratch = {"vocabulary_size": 200, "embedding_size": 8, "hidden_size": 16, "layers": 2, "heads": 2}
    values: dict[str, Any] = {
        **{"model": "scratch", "scratch": {**scratch, "intermediate_size": 32, "dropout": 0.1}},
        **{"data": str(data), "output": str(output), "steps": 8, "batch_size": 4, "learning_rate": 1e-2},
        **{"max_length": 64, "overlap": 8, "max_question_tokens": 16, "threads": 1},
        **{"evaluate_every": 2, "checkpoint_every": 3, "log_every": 1},
    }
    return TrainingSettings.model_validate(values | changes)


def write_checkpoint(folder: Path, architecture: str, tokenizer: Tokenizer, **changes: Any) -> Path:
    """A random checkpoint of an architecture, with its tokenizer, as ``from_pretrained`` wants them."""
    values = {
        **{"vocab_size": tokenizer.get_vocab_size(), "intermediate_size": 32, "max_position_embeddings": 130},
        **{"pad_token_id": 0, "bos_token_id": 2, "eos_token_id": 3, "initializer_range": 0.3},
    }
    torch.manual_seed(3)
    config = CONFIG_MAPPING[architecture](**(values | SIZES[architecture] | changes))
    AutoModelForQuestionAnswering.from_config(config).save_pretrained(folder)
    marks = {"pad_token": "<pad>", "unk_token": "<unk>", "cls_token": "[CLS]", "sep_token": "[SEP]"}
    PreTrainedTokenizerFast(tokenizer_object=tokenizer, mask_token="[MASK]", **marks).save_pretrained(folder)
    return folder


def with_vocabulary(tokenizer: Tokenizer, size: int) -> Tokenizer:
    """A copy of a Unigram tokenizer that has so many ids, the last pieces cut off or made up."""
    parts = json.loads(tokenizer.to_str())
    pieces = parts["model"]["vocab"][:size]
    parts["model"]["vocab"] = pieces + [[f"owl{number}", -20.0] for number in range(len(pieces), size)]
    return Tokenizer.from_str(json.dumps(parts))
