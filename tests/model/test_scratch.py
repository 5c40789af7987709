from __future__ import annotations

import pytest
import torch

from model.inputs import max_positions
from model.scratch import SPECIAL, make_model, train_tokenizer
from model.training_settings import ScratchSettings
from project_config import SettingsError
from tests.conftest import HERON, MARSH, SONGS

TEXTS = [HERON, SONGS, MARSH] * 3
SMALL = {"vocabulary_size": 300, "embedding_size": 8, "hidden_size": 16, "layers": 3, "heads": 2}


@pytest.fixture(scope="module")
def own():
    return train_tokenizer(TEXTS, 300)


def test_special_tokens_come_first_and_the_size_is_a_bound(own):
    assert own.convert_ids_to_tokens(range(len(SPECIAL))) == list(SPECIAL)
    assert len(own) <= 300
    assert (own.pad_token_id, own.cls_token, own.sep_token) == (0, "[CLS]", "[SEP]")


def test_frequent_words_stay_whole_and_all_text_can_be_spelt(own):
    pieces = own.tokenize("In the year 1909 the marsh held owls")
    assert [piece for piece in pieces if piece in ("▁year", "▁marsh", "▁held", "▁owls")] == [
        *("▁year", "▁marsh", "▁held", "▁owls")
    ]
    assert own.unk_token_id not in own(HERON)["input_ids"]


def test_case_and_accents_are_no_matter(own):
    assert own.tokenize("Várela") == own.tokenize("varela")


def test_pairs_are_laid_out_as_albert_does(own):
    encoded = own("who", "the warden")
    ids, types = encoded["input_ids"], encoded["token_type_ids"]
    marks = [position for position, token in enumerate(ids) if token in (own.cls_token_id, own.sep_token_id)]
    assert ids[0] == own.cls_token_id
    assert (marks[0], marks[-1]) == (0, len(ids) - 1)
    assert len(marks) == 3
    assert types == [0] * (marks[1] + 1) + [1] * (len(ids) - marks[1] - 1)


def test_text_without_rare_words():
    assert train_tokenizer(["owl eel " * 60], 64).tokenize("owl eel") == ["▁owl", "▁eel"]


@pytest.mark.parametrize("architecture", ["albert", "bert", "distilbert", "electra", "roberta", "deberta-v2"])
def test_every_architecture_has_the_size_that_was_asked_for(own, architecture):
    settings = ScratchSettings(**SMALL, architecture=architecture, intermediate_size=48, dropout=0.25)
    model = make_model(settings, own, 70)
    shapes = {name: tuple(parameter.shape) for name, parameter in model.named_parameters()}
    blocks = 1 if architecture == "albert" else 3
    assert sum(shape in ((48, 16), (16, 48)) for shape in shapes.values()) == 2 * blocks
    assert any(shape[0] == len(own) for shape in shapes.values())
    dropouts = {module.p for module in model.modules() if isinstance(module, torch.nn.Dropout)}
    assert dropouts <= {0.25}
    assert max_positions(model) == 70
    ids = torch.full((1, 70), 7)
    assert model(input_ids=ids).start_logits.shape == (1, 70)


def test_only_what_a_config_knows_is_put_into_it(own):
    config = make_model(ScratchSettings(**SMALL), own, 70).config.to_dict()
    assert "hidden_dim" not in config
    assert config["embedding_size"] == 8


@pytest.mark.parametrize("architecture", ["owl", "whisper"])
def test_an_architecture_that_answers_no_questions(own, architecture):
    with pytest.raises(SettingsError, match=f"`{architecture}`: transformers has no question-answering model"):
        make_model(ScratchSettings(**SMALL, architecture=architecture), own, 70)
