"""Fixtures that every test may use: varied questions and a tiny tokenizer of ALBERT's kind."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors, trainers

from utils.squad import Gold, Question

os.environ["TL_DISABLE_ANALYTICS"] = "1"

ROOT = Path(__file__).resolve().parent.parent
SHARED_SQUAD = ROOT.parent / "shared" / "squad"
"""Real SQuAD slices, beside the checkout on some machines; tests that want them skip without."""

SPECIAL_TOKENS = ["<pad>", "<unk>", "[CLS]", "[SEP]", "[MASK]"]

HERON = (
    "The Grey Heron is a ship that was launched in Tarn on 4 May 1871. She carried 1,200 passengers, 85 % of "
    "them from the north, and cost £2½ million. Captain Ada Brook sailed her for eleven years, because the "
    "owners trusted nobody else."
)
SONGS = (
    "Ione Várela wrote “Glass River” and 'Night Train' in 1962.\nBoth songs were sung at the café in Øresund; "
    "the naïve critics of the day called them “unheard-of”. A third song, (untitled), was lost."
)
MARSH = " ".join(
    f"In year {year} the marsh of Ulm held {year % 37 + 3} pairs of owls and {year % 11} of storks, "
    "and the warden counted them at dawn."
    for year in range(1900, 1930)
)
SCRIPTS = "東京は日本の首都です。 Ελλάδα is a country ﬁlled with hills 🙂 and its hymn is «Freedom»."

_QUESTIONS = [
    ("heron-1", "Heron", "When was the Grey Heron launched?", HERON, ["4 May 1871", "May 1871", "1871"]),
    ("heron-2", "Heron", "How many passengers did she carry?", HERON, ["1,200", "1,200 passengers"]),
    ("heron-3", "Heron", "How much did the ship cost?", HERON, ["£2½ million"]),
    ("heron-4", "Heron", "Why did Ada Brook sail her so long?", HERON, ["because the owners trusted nobody else"]),
    ("heron-5", "Heron", "Who sank the Grey Heron?", HERON, []),
    ("songs-1", "Songs", "Which song did Ione Varela write first?", SONGS, ["Glass River", "“Glass River”"]),
    ("songs-2", "Songs", "Where were both songs sung?", SONGS, ["the café in Øresund", "Øresund"]),
    ("songs-3", "Songs", "What did critics call the songs?", SONGS, ["unheard-of"]),
    ("songs-4", "Songs", "Was the third song recorded?", SONGS, []),
    ("marsh-1", "Marsh", "How many storks were there in 1928?", MARSH, ["3 of storks"]),
    ("marsh-2", "Marsh", "Who counted the owls?", MARSH, ["the warden"]),
    ("scripts-1", "Scripts", "  What is the capital of Japan?", SCRIPTS, ["東京"]),
    ("scripts-2", "Scripts", "What fills the country?", SCRIPTS, ["hills", "hills 🙂"]),
]


@pytest.fixture
def questions() -> list[Question]:
    """Thirteen questions: several golds or none, accents, quotation marks, scripts, a long context."""
    return [
        Question(key, title, question, context, tuple(Gold(text, context.index(text)) for text in golds))
        for key, title, question, context, golds in _QUESTIONS
    ]


@pytest.fixture(scope="session")
def tokenizer() -> Tokenizer:
    """A Unigram tokenizer of some 150 pieces: ALBERT's normaliser, markers and special tokens."""
    tokenizer = Tokenizer(models.Unigram())
    tokenizer.normalizer = normalizers.Sequence(
        [normalizers.NFKD(), normalizers.StripAccents(), normalizers.Lowercase()]
    )
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Punctuation(), pre_tokenizers.Metaspace()]
    )
    trainer = trainers.UnigramTrainer(
        vocab_size=300, special_tokens=SPECIAL_TOKENS, unk_token="<unk>", show_progress=False
    )
    tokenizer.train_from_iterator([HERON, SONGS, MARSH, *(row[2] for row in _QUESTIONS)], trainer)
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS]:0 $A:0 [SEP]:0",
        pair="[CLS]:0 $A:0 [SEP]:0 $B:1 [SEP]:1",
        special_tokens=[(token, tokenizer.token_to_id(token)) for token in ("[CLS]", "[SEP]")],
    )
    return tokenizer
