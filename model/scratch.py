"""Makes a question-answering model from nothing: its own Unigram tokenizer, and weights yet to be trained."""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Iterable
from typing import Any

from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors, trainers
from transformers import (
    CONFIG_MAPPING,
    MODEL_FOR_QUESTION_ANSWERING_MAPPING,
    AutoModelForQuestionAnswering,
    PreTrainedTokenizerFast,
)

from project_config import SettingsError

from .inputs import max_positions
from .training_settings import ScratchSettings

PAD, UNKNOWN, CLS, SEP, MASK = SPECIAL = ("<pad>", "<unk>", "[CLS]", "[SEP]", "[MASK]")
ACTIVATION = "gelu_pytorch_tanh"
DROPOUTS = ("hidden_dropout_prob", "attention_probs_dropout_prob", "dropout", "attention_dropout", "qa_dropout")
"""What architectures call their dropouts."""
WHOLE_WORD_COUNT = 50
"""A word that occurs as often as this may become one piece."""
WHOLE_WORD_SHARE = 0.75
"""The share of the vocabulary that whole words may take."""
RARE_WORDS = 50_000
"""So many of the other words, the most frequent, give the pieces; more of them only take longer."""


def train_tokenizer(texts: Iterable[str], vocabulary_size: int) -> PreTrainedTokenizerFast:
    """A Unigram tokenizer in ALBERT's manner: lower case, no accents, words marked by ``▁``.

    Trained on all words at once, the Unigram trainer leaves frequent words broken when names abound
    (``▁whi ch``). So frequent words become pieces as they are, the trainer finds pieces for the rare
    ones alone, and the scores are those of the mixture of the two.

    Args:
        texts: what the pieces are learned from.
        vocabulary_size: an upper bound; little text gives fewer pieces.
    """
    tokenizer = Tokenizer(models.Unigram())
    tokenizer.normalizer = normalizers.Sequence(
        [normalizers.NFKD(), normalizers.StripAccents(), normalizers.Lowercase()]
    )
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.WhitespaceSplit(),
            pre_tokenizers.Metaspace(prepend_scheme="always"),
            pre_tokenizers.Punctuation("isolated"),
        ]
    )
    tokenizer.model = models.Unigram(_mix(*_count_words(tokenizer, texts), vocabulary_size), unk_id=1)
    ids = {token: tokenizer.token_to_id(token) for token in (CLS, SEP)}
    tokenizer.post_processor = processors.TemplateProcessing(
        single=f"{CLS} $A {SEP}", pair=f"{CLS} $A {SEP} $B:1 {SEP}:1", special_tokens=list(ids.items())
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        pad_token=PAD,
        unk_token=UNKNOWN,
        cls_token=CLS,
        sep_token=SEP,
        mask_token=MASK,
        model_input_names=["input_ids", "token_type_ids", "attention_mask"],
    )


def _count_words(tokenizer: Tokenizer, texts: Iterable[str]) -> tuple[Counter[str], Counter[str]]:
    """The words that stay whole, and the rare ones, each with how often it occurs."""
    strings: Counter[str] = Counter()
    for text in texts:
        strings.update(text.split())
    counts: Counter[str] = Counter()
    for string, count in strings.items():
        normalised = tokenizer.normalizer.normalize_str(string)
        for word, _ in tokenizer.pre_tokenizer.pre_tokenize_str(normalised):
            counts[word] += count
    frequent = Counter({word: count for word, count in counts.items() if count >= WHOLE_WORD_COUNT})
    return frequent, counts - frequent


def _mix(frequent: Counter[str], rare: Counter[str], vocabulary_size: int) -> list[tuple[str, float]]:
    """Pieces with their log probabilities: whole words, and the trainer's pieces for the others."""
    room = vocabulary_size - len(SPECIAL)
    whole = frequent.most_common(round(WHOLE_WORD_SHARE * room))
    total = frequent.total() + rare.total()
    scratch = Tokenizer(models.Unigram())
    trainer = trainers.UnigramTrainer(
        vocab_size=room - len(whole) + 1, special_tokens=[UNKNOWN], unk_token=UNKNOWN, show_progress=False
    )
    scratch.train_from_iterator(sorted(dict(rare.most_common(RARE_WORDS))) or sorted(frequent), trainer)
    pieces = {word: math.log(count / total) for word, count in whole}
    rare_share = math.log(max(rare.total(), 1) / total)
    for piece, score in json.loads(scratch.to_str())["model"]["vocab"]:
        if piece != UNKNOWN:
            pieces.setdefault(piece, score + rare_share)
    return [(token, 0.0) for token in SPECIAL] + sorted(pieces.items(), key=lambda item: (-item[1], item[0]))


def make_model(settings: ScratchSettings, tokenizer: PreTrainedTokenizerFast, max_length: int) -> Any:
    """A model of the given size with fresh weights; seed torch first.

    Raises:
        SettingsError: if transformers has no such architecture with a question-answering head.
    """
    model = _from_config(settings, tokenizer, max_length)
    missing = max_length - (max_positions(model) or max_length)
    if missing:  # rows of the position table that stand for no position
        model = _from_config(settings, tokenizer, max_length + missing)
    return model


def _from_config(settings: ScratchSettings, tokenizer: PreTrainedTokenizerFast, positions: int) -> Any:
    names = {
        "vocab_size": len(tokenizer),
        "embedding_size": settings.embedding_size,
        "hidden_size": settings.hidden_size,
        "num_hidden_layers": settings.layers,
        "num_attention_heads": settings.heads,
        "intermediate_size": settings.intermediate_size,
        "hidden_dim": settings.intermediate_size,
        "max_position_embeddings": positions,
        "initializer_range": settings.initializer_range,
        "hidden_act": ACTIVATION,
        "activation": ACTIVATION,
        **dict.fromkeys(DROPOUTS, settings.dropout),
        "pad_token_id": tokenizer.pad_token_id,
        "bos_token_id": tokenizer.cls_token_id,
        "eos_token_id": tokenizer.sep_token_id,
    }
    known = settings.architecture in CONFIG_MAPPING
    if not known or CONFIG_MAPPING[settings.architecture] not in MODEL_FOR_QUESTION_ANSWERING_MAPPING:
        raise SettingsError(
            f"scratch.architecture `{settings.architecture}`: transformers has no question-answering model of that "
            "type; take for instance albert, bert, distilbert or deberta-v2."
        )
    kind = CONFIG_MAPPING[settings.architecture]
    fields = kind().to_dict().keys() | kind.attribute_map.keys()
    return AutoModelForQuestionAnswering.from_config(kind(**{key: names[key] for key in names.keys() & fields}))
