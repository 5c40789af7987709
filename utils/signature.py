"""What a model must take and give so that it fits the windows, told without loading any runtime."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol, TypeVar

from project_config import ProjectError, Settings

from .encoders import INPUT_NAMES
from .samples import model_folder


class SignatureError(ProjectError):
    """A model is missing, or its inputs or output do not fit the windows."""


class Tensor(Protocol):
    """An input or output as ONNX Runtime declares it; free sizes are names or None."""

    name: str
    type: str
    shape: Sequence[int | str | None]


class Session(Protocol):
    """The part of an ONNX Runtime session that tells what it takes and gives."""

    def get_inputs(self) -> Sequence[Tensor]:
        """What the model takes, in order."""

    def get_outputs(self) -> Sequence[Tensor]:
        """What the model gives, in order."""


SessionT = TypeVar("SessionT", bound=Session)


def model_path(settings: Settings) -> Path:
    """The ONNX file of the model that the settings name.

    Raises:
        SignatureError: if it does not exist.
    """
    path = model_folder(settings) / "model.onnx"
    if not path.is_file():
        raise SignatureError(
            f"{path} does not exist. Export a model there, or name its folder by `model` in config.yaml."
        )
    return path


def fitting(session: SessionT, settings: Settings) -> SessionT:
    """The session, if it takes windows and gives start and end logits.

    Raises:
        SignatureError: naming everything that does not fit.
    """
    length = settings.max_length
    inputs, outputs = session.get_inputs(), session.get_outputs()
    problems = [_misfit(tensor, (length,)) for tensor in inputs] + [_misfit(tensor, (length, 2)) for tensor in outputs]
    names = tuple(tensor.name for tensor in inputs)
    if names != INPUT_NAMES:
        problems.insert(0, f"its inputs are {', '.join(names)}, not {', '.join(INPUT_NAMES)}")
    if len(outputs) != 1:
        problems.append(f"it has {len(outputs)} outputs, not one")
    problems = [problem for problem in problems if problem]
    if problems:
        raise SignatureError(
            f"The model in {model_folder(settings)} does not fit windows of {length} tokens: {'; '.join(problems)}. "
            "Export it with `squad-albert export`, or set max_length to the model's."
        )
    return session


def _misfit(tensor: Tensor, sizes: tuple[int, ...]) -> str:
    """What is wrong with a tensor that should be float32 [any, *sizes], "" for nothing."""
    wanted = (None, *sizes)
    fits = len(tensor.shape) == len(wanted) and all(
        not isinstance(size, int) or size == target for size, target in zip(tensor.shape, wanted, strict=True)
    )
    if fits and tensor.type == "tensor(float)":
        return ""
    shown = ", ".join(map(str, ("any", *sizes)))
    return f"{tensor.name} is {tensor.type} {list(tensor.shape)}, not tensor(float) [{shown}]"
