"""Every setting of the project, typed, in one place.

``config.yaml`` holds the values that a user edits. Environment variables ``SQUAD_ALBERT_<NAME>``
override it, and command-line options override both. Environment variables do not reach the
Tensorleap platform: what is pushed is set by ``config.yaml`` alone.
"""

from __future__ import annotations

import difflib
import os
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any, Literal, TypeVar, get_args, get_origin

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

ROOT = Path(__file__).resolve().parent
"""The folder that holds this file: the checkout, or the bundle on the platform."""

ENVIRONMENT_PREFIX = "SQUAD_ALBERT_"

LONGEST_WINDOW = 4096
"""Tokens that a window may have, so that no other number of tokens needs to be larger."""
MOST_ANSWERS = 1000
"""Answers that may be kept for a question."""
MOST_THREADS = 1024
LARGEST_SEED = 2**32 - 1
"""What numpy takes."""
MOST = 1_000_000_000
"""Of whatever is only counted."""

MAX_CHARACTERS = 2**18
"""Of a settings file, and of what its aliases unfold to."""
MAX_DEPTH = 32
"""How deep a settings file may nest."""
SHOWN_PROBLEMS = 10

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

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    data: str = Field("sample", min_length=1, description="`sample`, a folder, one file, or a hub dataset")
    model: str = Field(
        "model/albert", min_length=1, description="a folder with model.onnx, tokenizer.json and config.json"
    )
    max_length: int = Field(384, ge=32, le=LONGEST_WINDOW, description="tokens in a window")
    overlap: int = Field(128, ge=0, le=LONGEST_WINDOW, description="context tokens shared by neighbouring windows")
    max_question_tokens: int = Field(64, ge=1, le=LONGEST_WINDOW, description="a longer question is cut here")
    max_answer_tokens: int = Field(30, ge=1, le=LONGEST_WINDOW, description="longest answer that is considered")
    n_best: int = Field(20, ge=1, le=MOST_ANSWERS, description="answers kept for each question")
    whole_words: bool = Field(True, description="answers end where words end, in scripts that write spaces")
    no_answer: Literal["auto", "always", "never"] = Field(
        "auto", description="whether `no answer` may be given; auto: when the data has unanswerable questions"
    )
    no_answer_threshold: float = Field(
        0.0, description="logits by which the null must beat the best span for `no answer`"
    )
    train_limit: int | None = Field(None, ge=1, le=MOST, description="questions drawn from the training split")
    validation_limit: int | None = Field(None, ge=1, le=MOST, description="questions drawn from the validation split")
    test_limit: int | None = Field(None, ge=1, le=MOST, description="questions drawn from the test split")
    unlabeled_limit: int | None = Field(None, ge=1, le=MOST, description="questions drawn from the unlabeled split")
    titles: list[str] = Field([], description="only questions of these titles, when any is named")
    seed: int = Field(7, ge=0, le=LARGEST_SEED, description="seed of every draw")
    cache: str | None = Field(
        None, min_length=1, description="folder for tokenised windows; default: the system's temporary folder"
    )
    batch_tokens: int = Field(
        1024, ge=384, le=MOST, description="tokens, padding included, that the model sees at once"
    )
    engine: Literal["auto", "onnxruntime", "openvino"] = Field(
        "auto", description="what runs the model; auto: onnxruntime, and openvino (the extra `fast`) for bf16"
    )
    precision: Literal["fp32", "bf16"] = Field(
        "fp32", description="of the model's matrix products; bf16 is faster where the processor has it, and less exact"
    )
    threads: int | None = Field(None, ge=1, le=MOST_THREADS, description="threads of the model; default: every core")
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


class _SettingsLoader(yaml.SafeLoader):
    """YAML as settings need it: small, shallow, every key once, every value one that YAML knows."""

    def __init__(self, stream: str) -> None:
        super().__init__(stream)
        self._depth = 0
        self._size: dict[yaml.Node, int] = {}  # characters, aliases unfolded

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        """A value, counted before anything is made of it."""
        is_alias = self.check_event(yaml.AliasEvent)
        mark = self.peek_event().start_mark  # type: ignore[no-untyped-call]
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise _problem(f"it nests more than {MAX_DEPTH} levels deep", mark)
        node = super().compose_node(parent, index)
        self._depth -= 1
        if node is None:
            return None
        if not is_alias:
            self._size[node] = self._measure(node)
        if node not in self._size:
            raise _problem("a value holds itself", mark)
        if self._size[node] > MAX_CHARACTERS:
            raise _problem(f"its aliases unfold to more than {MAX_CHARACTERS:,} characters", mark)
        return node

    def _measure(self, node: yaml.Node) -> int:
        if isinstance(node, yaml.MappingNode):
            counts = Counter((key.tag, key.value) for key, _ in node.value if isinstance(key, yaml.ScalarNode))
            for key, _ in node.value:
                if isinstance(key, yaml.ScalarNode) and counts[key.tag, key.value] > 1:
                    raise _problem(f"`{_short(key.value)}` is given twice", key.start_mark)
            return 1 + sum(self._size[part] for pair in node.value for part in pair)
        if isinstance(node, yaml.SequenceNode):
            return 1 + sum(self._size[part] for part in node.value)
        if "\0" in node.value or any("\ud800" <= letter <= "\udfff" for letter in node.value):
            raise _problem("a text holds an escape for what is no character", node.start_mark)
        return 1 + len(node.value)

    def construct_object(self, node: yaml.Node, deep: bool = False) -> Any:
        """The value of a node; PyYAML has no error of its own for a date that is none, or ``!!int x``."""
        try:
            value = super().construct_object(node, deep)
        except yaml.YAMLError:
            raise
        except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
            kind = node.tag.rsplit(":", 1)[-1]
            raise _problem(f"{_short(repr(node.value), 80)} is no {kind}", node.start_mark) from error
        if isinstance(value, int) and abs(value) >= 2**63:
            raise _problem("a number is too large", node.start_mark)
        return value


def _problem(text: str, mark: yaml.Mark | None) -> yaml.MarkedYAMLError:
    return yaml.constructor.ConstructorError(problem=text, problem_mark=mark)


def load_settings(path: Path | None = None, overrides: Mapping[str, Any] | None = None) -> Settings:
    """Settings from ``config.yaml``, the environment and ``overrides``, the later ones winning.

    The value of an environment variable is taken as one value of the setting's type: a text is never read as YAML.

    Args:
        path: the YAML file; default: ``config.yaml`` beside this module, if it exists.
        overrides: values of command-line options; those that are None are ignored.

    Raises:
        SettingsError: for an unknown key (naming the nearest known one) or a bad value; it names the file, the
            variable or the option.
    """
    source = path or ROOT / "config.yaml"
    values = read_yaml(source) if path or source.exists() else {}
    origins = {}
    for key in Settings.model_fields:
        variable = ENVIRONMENT_PREFIX + key.upper()
        if variable in os.environ:
            values[key] = _from_environment(key, variable)
            origins[key] = variable
    for key, value in (overrides or {}).items():
        if value is not None:
            values[key] = value
            origins[key] = "--limit" if key.endswith("_limit") else f"--{key}"
    return validate(Settings, values, str(source), origins)


def _from_environment(key: str, variable: str) -> Any:
    """What pydantic makes a value of the setting's type from: the text itself, None, or a list of texts."""
    text = os.environ[variable]
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise SettingsError(f"{variable} is not UTF-8 (given: {_short(repr(text))}). Set it again.") from error
    kind = Settings.model_fields[key].annotation
    if type(None) in get_args(kind) and text in ("", "null"):
        return None
    if get_origin(kind) is not list:
        return text
    node = _read_yaml(text, variable, yaml.compose)
    if not isinstance(node, yaml.SequenceNode) or not all(isinstance(part, yaml.ScalarNode) for part in node.value):
        raise SettingsError(f"{variable}: `{key}` is a list, as [one, two] (given: {_short(repr(text))}).")
    return [part.value for part in node.value]


def read_yaml(path: Path) -> dict[str, Any]:
    """The mapping that a YAML file holds.

    Raises:
        SettingsError: if the file cannot be read, is not YAML or not a mapping of texts, names a key twice, or is
            larger or nests deeper than settings do, its aliases unfolded.
    """
    try:
        with path.open("rb") as stream:
            text = stream.read(MAX_CHARACTERS + 1).decode("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path} cannot be read as YAML: {error}. Mend or restore the file.") from error
    values = _read_yaml(text, path, yaml.load)
    if values is not None and not isinstance(values, dict):
        raise SettingsError(f"{path} holds {type(values).__name__}, not `key: value` lines. Mend the file.")
    odd = [key for key in values or {} if not isinstance(key, str)]
    if odd:
        raise SettingsError(f"{path}: the key {_short(repr(odd[0]))} is no text. Mend the file.")
    return values or {}


def _read_yaml(text: str, where: Path | str, read: Any) -> Any:
    if len(text) > MAX_CHARACTERS:
        raise SettingsError(f"{where} is longer than {MAX_CHARACTERS:,} characters, which no settings are.")
    try:
        return read(text, Loader=_SettingsLoader)
    except (yaml.YAMLError, ValueError) as error:  # ValueError: an escape for a character that there is not
        raise SettingsError(f"{where} cannot be read as YAML: {_reason(error)}. Mend or restore the file.") from error


def _reason(error: Exception) -> str:
    """An error of PyYAML in one line."""
    if not isinstance(error, yaml.MarkedYAMLError):
        return _short(" ".join(str(error).split()))
    mark = error.problem_mark or error.context_mark
    place = f"line {mark.line + 1}, column {mark.column + 1}: " if mark else ""
    return place + _short(", ".join(filter(None, (error.context, error.problem))))


def validate(
    model: type[ModelT], values: Mapping[str, Any], where: str, origins: Mapping[str, str] | None = None
) -> ModelT:
    """``values`` as an instance of ``model``, with errors in the project's words.

    Args:
        model: what is to be made.
        values: by name.
        where: they come from.
        origins: where those come from that come from elsewhere, by name.

    Raises:
        SettingsError: naming every unknown key and every bad value, and where each comes from.
    """
    try:
        return model.model_validate(values)
    except ValidationError as error:
        found = [(_origin(problem, where, origins or {}), problem) for problem in error.errors()]
        raise SettingsError(
            "; ".join(
                f"{origin}: " + "; ".join(problems_of([problem for _, problem in group], model))
                for origin, group in groupby(found, key=lambda pair: pair[0])
            )
        ) from error


def problems_of(problems: Sequence[Any], model: type[BaseModel]) -> list[str]:
    """What pydantic found wrong with the values of ``model``, a sentence each; of many only the first.

    Args:
        problems: as ``ValidationError.errors()`` gives them.
        model: that was to be made.
    """
    told = [_describe(problem, model) for problem in problems[:SHOWN_PROBLEMS]]
    return told + ([f"and {len(problems) - len(told):,} more"] if len(problems) > len(told) else [])


def _origin(problem: Any, where: str, origins: Mapping[str, str]) -> str:
    """Where a bad value comes from; of values that contradict each other, every place that is not ``where``."""
    if problem["loc"]:
        return origins.get(str(problem["loc"][0]), where)
    named = [origins[key] for key in re.findall(r"\w+", problem["msg"]) if key in origins]
    return ", ".join(dict.fromkeys(named)) or where


def _describe(problem: Any, model: type[BaseModel]) -> str:
    key = _short(".".join(str(part) for part in problem["loc"]))
    if problem["type"] == "extra_forbidden":
        near = difflib.get_close_matches(key.rsplit(".", 1)[-1], model.model_fields, n=1, cutoff=0.4)
        hint = f"did you mean `{near[0]}`?" if near else f"known settings: {', '.join(model.model_fields)}"
        return f"unknown setting `{key}`; {hint}"
    message = problem["msg"].removeprefix("Value error, ")
    return f"`{key}`: {message} (given: {_short(repr(problem['input']))})" if key else message


def _short(text: str, most: int = 200) -> str:
    return text if len(text) <= most else f"{text[:most]}…"
