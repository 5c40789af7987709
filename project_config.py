"""Every setting of the project, typed, in one place.

``config.yaml`` holds the values that a user edits. Environment variables ``SQUAD_ALBERT_<NAME>``
override it, and command-line options override both. Environment variables do not reach the
Tensorleap platform: what is pushed is set by ``config.yaml`` alone.
"""

from __future__ import annotations

import difflib
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

ROOT = Path(__file__).resolve().parent
"""The folder that holds this file: the checkout, or the bundle on the platform."""

ENVIRONMENT_PREFIX = "SQUAD_ALBERT_"

ModelT = TypeVar("ModelT", bound=BaseModel)


class ProjectError(Exception):
    """A failure that a user can mend: the message says what happened, where, and what to do.

    The command line prints it without a traceback and exits with 2.
    """


class SettingsError(ProjectError):
    """A setting is unknown, mistyped or contradicts another."""


class Settings(BaseModel):
    """The settings shared by the integration and every command.

    Example:
        >>> Settings(max_length=128, overlap=32).max_length
        128
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    data: str = Field("sample", description="`sample`, a folder, one file, or a hub dataset")
    model: str = Field("model/albert", description="a folder with model.onnx, tokenizer.json and config.json")
    max_length: int = Field(384, ge=32, le=4096, description="tokens in a window")
    overlap: int = Field(128, ge=0, description="context tokens shared by neighbouring windows")
    max_question_tokens: int = Field(64, ge=1, description="a longer question is cut here")
    max_answer_tokens: int = Field(30, ge=1, description="longest answer that is considered")
    n_best: int = Field(20, ge=1, description="answers kept for each question")
    whole_words: bool = Field(True, description="answers end where words end, in scripts that write spaces")
    no_answer: Literal["auto", "always", "never"] = Field(
        "auto", description="whether `no answer` may be given; auto: when the data has unanswerable questions"
    )
    no_answer_threshold: float = Field(
        0.0, description="logits by which the null must beat the best span for `no answer`"
    )
    train_limit: int | None = Field(None, ge=1, description="questions drawn from the training split")
    validation_limit: int | None = Field(None, ge=1, description="questions drawn from the validation split")
    test_limit: int | None = Field(None, ge=1, description="questions drawn from the test split")
    unlabeled_limit: int | None = Field(None, ge=1, description="questions drawn from the unlabeled split")
    titles: list[str] = Field([], description="only questions of these titles, when any is named")
    seed: int = Field(7, ge=0, description="seed of every draw")
    cache: str | None = Field(None, description="folder for tokenised windows; default: the system's temporary folder")
    batch_tokens: int = Field(1024, ge=384, description="tokens, padding included, that the model sees at once")
    engine: Literal["auto", "onnxruntime", "openvino"] = Field(
        "auto", description="what runs the model; auto: onnxruntime, and openvino (the extra `fast`) for bf16"
    )
    precision: Literal["fp32", "bf16"] = Field(
        "fp32", description="of the model's matrix products; bf16 is faster where the processor has it, and less exact"
    )
    threads: int | None = Field(None, ge=1, description="threads of the model; default: every core")
    latent: Literal["cls", "context", "answer"] = Field(
        "answer", description="latent vector to explore: of [CLS], or the mean over the context or the answer given"
    )
    map: Literal["umap", "pca"] = Field("umap", description="how the population map is drawn")

    @model_validator(mode="after")
    def _engine_has_precision(self) -> Settings:
        if self.engine == "onnxruntime" and self.precision == "bf16":
            raise ValueError("engine onnxruntime has no precision bf16; set engine to openvino or auto")
        return self

    @model_validator(mode="after")
    def _leaves_room_for_context(self) -> Settings:
        room = self.max_length - self.max_question_tokens - 3
        if room < 16 or self.overlap >= room:
            raise ValueError(
                f"max_length {self.max_length} leaves {room} context tokens after max_question_tokens "
                f"{self.max_question_tokens} and 3 special tokens; it must be at least 16 and more than "
                f"overlap {self.overlap}"
            )
        return self

    def limit(self, split: str) -> int | None:
        """How many questions may be drawn from a split, None for all."""
        value: int | None = getattr(self, f"{split}_limit")
        return value


def load_settings(path: Path | None = None, overrides: Mapping[str, Any] | None = None) -> Settings:
    """Settings from ``config.yaml``, the environment and ``overrides``, the later ones winning.

    Args:
        path: the YAML file; default: ``config.yaml`` beside this module, if it exists.
        overrides: values from the command line; those that are None are ignored.

    Raises:
        SettingsError: for an unknown key (naming the nearest known one) or a bad value.
    """
    source = path or ROOT / "config.yaml"
    values = read_yaml(source) if path or source.exists() else {}
    for key in Settings.model_fields:
        variable = ENVIRONMENT_PREFIX + key.upper()
        if variable in os.environ:
            values[key] = yaml.safe_load(os.environ[variable])
    values |= {key: value for key, value in (overrides or {}).items() if value is not None}
    return validate(Settings, values, str(source))


def read_yaml(path: Path) -> dict[str, Any]:
    """The mapping that a YAML file holds.

    Raises:
        SettingsError: if the file cannot be read, is not YAML or not a mapping.
    """
    try:
        values = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise SettingsError(f"{path} cannot be read as YAML: {error}. Mend or restore the file.") from error
    if values is not None and not isinstance(values, dict):
        raise SettingsError(f"{path} holds {type(values).__name__}, not `key: value` lines. Mend the file.")
    return values or {}


def validate(model: type[ModelT], values: Mapping[str, Any], where: str) -> ModelT:
    """``values`` as an instance of ``model``, with errors in the project's words.

    Raises:
        SettingsError: naming every unknown key and every bad value.
    """
    try:
        return model.model_validate(values)
    except ValidationError as error:
        problems = [_describe(problem, model) for problem in error.errors()]
        raise SettingsError(f"{where}: " + "; ".join(problems)) from error


def _describe(problem: Any, model: type[BaseModel]) -> str:
    key = ".".join(str(part) for part in problem["loc"])
    if problem["type"] == "extra_forbidden":
        near = difflib.get_close_matches(key.rsplit(".", 1)[-1], model.model_fields, n=1, cutoff=0.4)
        hint = f"did you mean `{near[0]}`?" if near else f"known settings: {', '.join(model.model_fields)}"
        return f"unknown setting `{key}`; {hint}"
    message = problem["msg"].removeprefix("Value error, ")
    return f"`{key}`: {message} (given: {problem['input']!r})" if key else message
