"""What each method says, against the loss computed by hand."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file
from tokenizers import Tokenizer, models

import squad_albert.attribution
from model.differentiable import DifferentiableError
from squad_albert.attribution import COMPLETENESS, GRADIENTS, METHODS, RADAU, Attributor, mask_token
from squad_albert.targets import Targets, choose_targets
from tests.exported import SMALL, write_exported
from utils.questions import Question

pytest.importorskip("keras_hub", reason="the extra `explore` is not installed")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, tokenizer: Tokenizer) -> Path:
    return write_exported(tmp_path_factory.mktemp("models") / "albert", tokenizer)


@pytest.fixture(scope="module")
def attributor(folder: Path) -> Attributor:
    return Attributor(folder, SMALL)


@pytest.fixture
def targets(attributor: Attributor, questions: list[Question]) -> Targets:
    return choose_targets(attributor.model, [questions[place] for place in (0, 5, 9, 12)], SMALL)[0]


def test_occlusion_is_what_replacing_a_token_does(attributor: Attributor, targets: Targets) -> None:
    scores = attributor.occlusion(targets)
    for sample, place in ((0, 3), (2, 20), (3, 1)):
        altered = targets.input_ids[[sample]].copy()
        altered[0, place] = attributor.mask
        loss = attributor.losses(targets, np.array([sample]), altered)[0]
        assert scores[sample, place] == pytest.approx(targets.loss[sample] - loss, abs=1e-5)
    assert np.abs(scores).max() > 0.01


def test_gradient_input_is_the_slope_towards_mask(attributor: Attributor, targets: Targets) -> None:
    differentiable, step = attributor.differentiable, 1e-2
    scores = attributor.gradient_input(targets)
    inputs = (targets.windows.attention_mask(targets.rows), targets.windows.token_type_ids(targets.rows))
    end = differentiable.embed(targets.input_ids)
    for sample in range(len(targets)):
        place = int(np.abs(scores[sample]).argmax())
        losses = []
        for sign in (1, -1):
            moved = end.copy()
            moved[sample, place] += sign * step * (end[sample, place] - differentiable.embed(np.array(attributor.mask)))
            losses.append(differentiable.loss_gradient(moved, *inputs, targets.start, targets.end)[0][sample])
        assert scores[sample, place] == pytest.approx((losses[0] - losses[1]) / (2 * step), rel=0.03)


def test_integrated_gradients_are_complete(attributor: Attributor, targets: Targets) -> None:
    found = attributor.integrated_gradients(targets)
    masked = np.where(targets.replaceable, attributor.mask, targets.input_ids)
    every = np.arange(len(targets))
    difference = targets.loss - attributor.losses(targets, every, masked.astype(np.int32))
    np.testing.assert_allclose(found.scores.sum(axis=1), difference, rtol=COMPLETENESS)
    np.testing.assert_allclose(found.difference, difference, rtol=1e-6)
    assert np.abs(difference).min() > 0.01


def test_two_points_give_both_gradient_methods(attributor: Attributor, targets: Targets) -> None:
    rough = attributor.rough_gradients(targets)
    assert tuple(sorted(rough)) == GRADIENTS
    np.testing.assert_allclose(rough["gradient_input"], attributor.gradient_input(targets), atol=1e-5)
    exact = attributor.integrated_gradients(targets)
    for scores, whole in zip(rough["integrated_gradients"], exact.scores, strict=True):
        assert np.corrcoef(scores, whole)[0, 1] > 0.8
    assert sum(weight for _, weight in RADAU) == 1
    assert sum(weight * point**2 for point, weight in RADAU) == pytest.approx(1 / 3)  # exact for parabolas


def test_threads_change_nothing(folder: Path, attributor: Attributor, targets: Targets) -> None:
    several = Attributor(folder, SMALL.model_copy(update={"threads": 3}))
    np.testing.assert_allclose(several.occlusion(targets), attributor.occlusion(targets), atol=1e-5)


def test_steps_are_doubled_where_they_do_not_suffice(attributor: Attributor, targets: Targets) -> None:
    rough = attributor.integrated_gradients(targets, steps=1, most_steps=1)
    assert (rough.gap > COMPLETENESS).any()
    assert rough.steps.tolist() == [1] * len(targets)
    fine = attributor.integrated_gradients(targets, steps=1)
    assert (fine.gap <= COMPLETENESS).all()
    assert set(fine.steps.tolist()) <= {1, 2, 4, 8, 16, 32, 64, 128, 256, 512}
    assert (fine.steps[rough.gap > COMPLETENESS] > 1).all()
    assert (fine.steps[rough.gap <= COMPLETENESS] == 1).all()


@pytest.mark.parametrize("method", METHODS)
def test_special_tokens_and_padding_have_no_score(method: str, attributor: Attributor, targets: Targets) -> None:
    scores = attributor.scores(method, targets)
    assert scores.shape == targets.replaceable.shape
    assert (scores[~targets.replaceable] == 0).all()
    assert (np.abs(scores).max(axis=1) > 0).all()


@pytest.mark.parametrize("method", METHODS)
def test_batches_change_nothing(
    method: str, attributor: Attributor, targets: Targets, monkeypatch: pytest.MonkeyPatch
) -> None:
    together = attributor.scores(method, targets)
    monkeypatch.setattr(squad_albert.attribution, "GRADIENT_TOKENS", 1)
    alone = np.concatenate([attributor.scores(method, targets[[sample]]) for sample in range(len(targets))])
    np.testing.assert_allclose(together, alone, atol=1e-4)


def test_keras_and_onnx_agree(attributor: Attributor, targets: Targets) -> None:
    assert attributor.disagreement(targets) < 1e-4


def test_other_weights_beside_the_onnx_file_are_told(folder: Path, targets: Targets, tmp_path: Path) -> None:
    shutil.copytree(folder, tmp_path / "other")
    path = tmp_path / "other" / "model.safetensors"
    tensors = load_file(path)
    save_file({**tensors, "qa_outputs.weight": -tensors["qa_outputs.weight"]}, path)
    with pytest.raises(DifferentiableError, match="they are two models"):
        Attributor(tmp_path / "other", SMALL).disagreement(targets)


def test_occlusion_works_for_another_architecture(
    tokenizer: Tokenizer, questions: list[Question], tmp_path: Path
) -> None:
    bert = Attributor(write_exported(tmp_path / "bert", tokenizer, "bert"), SMALL)
    targets, _ = choose_targets(bert.model, questions[:1], SMALL)
    assert np.abs(bert.scores("occlusion", targets)).max() > 0
    with pytest.raises(DifferentiableError, match=r"type bert.*occlusion works"):
        bert.scores("gradient_input", targets)


def test_the_token_that_says_nothing(tokenizer: Tokenizer) -> None:
    assert mask_token(tokenizer) == tokenizer.token_to_id("[MASK]")
    without = Tokenizer.from_str(tokenizer.to_str().replace("[MASK]", "[GONE]"))
    assert mask_token(without) == tokenizer.token_to_id("<unk>")
    roberta = Tokenizer(models.WordLevel({"<mask>": 0, "<unk>": 1}, unk_token="<unk>"))
    assert mask_token(roberta) == 0


@pytest.mark.parametrize("method", METHODS)
def test_work_that_nobody_waits_for_ends_at_its_next_batch(folder: Path, targets: Targets, method: str) -> None:
    attributor, calls = Attributor(folder, SMALL), []

    def check() -> None:
        calls.append(method)
        raise InterruptedError

    attributor.check = check
    with pytest.raises(InterruptedError):
        attributor.scores(method, targets)
    assert 1 <= len(calls) <= attributor._threads


def test_gradients_that_were_made_ready_are_those_that_are_used(folder: Path, targets: Targets) -> None:
    attributor = Attributor(folder, SMALL)
    attributor.warm()
    ready = attributor.differentiable
    attributor.gradient_input(targets)
    assert attributor.differentiable is ready
