from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from project_config import Settings
from utils.signature import SignatureError, fitting, model_path

SETTINGS = Settings(model="mine")


@dataclass
class Tensor:
    name: str
    shape: list[int | str | None]
    type: str = "tensor(float)"


def inputs(*sizes: int | str | None) -> list[Tensor]:
    return [Tensor(name, list(sizes)) for name in ("input_ids", "attention_mask", "token_type_ids")]


@dataclass
class Session:
    inputs: list[Tensor] = field(default_factory=lambda: inputs("batch", "length"))
    outputs: list[Tensor] = field(default_factory=lambda: [Tensor("logits", ["batch", "length", 2])])

    def get_inputs(self) -> Any:
        return self.inputs

    def get_outputs(self) -> Any:
        return self.outputs


@pytest.mark.parametrize(
    "session",
    [
        Session(),
        Session(inputs(None, 384)),
        Session(outputs=[Tensor("any_name", ["batch", 384, 2])]),
    ],
)
def test_model_that_fits_is_taken(session: Session) -> None:
    assert fitting(session, SETTINGS) is session


@pytest.mark.parametrize(
    ("session", "message"),
    [
        (Session(inputs("batch", "length")[:2]), "its inputs are input_ids, attention_mask, not input_ids, attention_"),
        (Session(inputs("batch", "length")[::-1]), "its inputs are token_type_ids, attention_mask, input_ids, not"),
        (
            Session(inputs("batch", 512)),
            r"input_ids is tensor\(float\) \['batch', 512\], not tensor\(float\) \[any, 384\]",
        ),
        (Session(inputs(1, "length")), r"input_ids is tensor\(float\) \[1, 'length'\]"),
        (Session([Tensor(one.name, one.shape, "tensor(int64)") for one in inputs("b", "l")]), r"is tensor\(int64\)"),
        (Session(outputs=[Tensor("logits", ["batch", "length", 3])]), r"3\], not tensor\(float\) \[any, 384, 2\]"),
        (Session(outputs=[Tensor("logits", ["batch", 2])]), "logits is"),
        (Session(outputs=[Tensor(name, ["batch", "length", 2]) for name in "ab"]), "it has 2 outputs, not one"),
    ],
)
def test_model_that_does_not_fit_is_refused(session: Session, message: str) -> None:
    with pytest.raises(SignatureError, match=message) as caught:
        fitting(session, SETTINGS)
    assert "mine does not fit windows of 384 tokens" in str(caught.value)
    assert "squad-albert export" in str(caught.value)


def test_missing_model_is_told(tmp_path: Path) -> None:
    with pytest.raises(SignatureError, match=r"model\.onnx does not exist\. Export a model there"):
        model_path(Settings(model=str(tmp_path)))
    (tmp_path / "model.onnx").touch()
    assert model_path(Settings(model=str(tmp_path))) == tmp_path / "model.onnx"
