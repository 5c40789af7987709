"""What requests must look like: strict types, no unknown fields, bounded sizes. OpenAPI is made of these."""

from __future__ import annotations

from typing import Annotated, Any, Literal, get_args

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from squad_albert.attribution import METHODS

MOST_CHARACTERS = 200_000
"""Of a question, and of a context."""

MOST_ITEMS = 64
MOST_TOP_K = 20
MOST_IDS = 20_000
MOST_SIZE = 200
MOST_SIMILAR = 100
MOST_PAGE = 1_000_000

Method = Literal["gradient_input", "integrated_gradients", "occlusion"]
assert set(get_args(Method)) == set(METHODS)


def _not_blank(text: str) -> str:
    if not text.strip():
        raise ValueError("it is empty; give some text")
    return text


def digits(value: Any) -> Any:
    """A number in an address: no point, blank or digit of another script."""
    if isinstance(value, str) and not (value.isascii() and value.removeprefix("-").isdecimal()):
        raise ValueError("it is not a whole number")
    return value


def whole(value: Any) -> Any:
    """A whole number in JSON, where 8.0 is one, too."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


Text = Annotated[
    str,
    Field(min_length=1, max_length=MOST_CHARACTERS, json_schema_extra={"pattern": r"\S"}),
    AfterValidator(_not_blank),
]
Whole = BeforeValidator(digits)
Integer = BeforeValidator(whole)
Number = Annotated[float, Field(allow_inf_nan=False)]
Name = Annotated[str, Field(min_length=1, max_length=200)]
Short = Annotated[str, Field(max_length=1000)]


class Strict(BaseModel):
    """A part of a request."""

    model_config = ConfigDict(extra="forbid", strict=True)


class Ask(Strict):
    """A question and the text that may hold its answer."""

    question: Text
    context: Text
    top_k: Annotated[int, Field(ge=1, le=MOST_TOP_K, description="how many answers to give in `answers`"), Integer] = 5

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"question": "When was it opened?", "context": "The bridge was opened on 14 May 1874.", "top_k": 3}
            ]
        }
    )


class AskBatch(Strict):
    """Several of them at once."""

    items: Annotated[list[Ask], Field(min_length=1, max_length=MOST_ITEMS)]


class Explain(Strict):
    """A question whose answer is to be explained."""

    question: Text
    context: Text
    method: Annotated[
        Method, Field(description="gradients need the extra `explore` and model.safetensors; occlusion neither")
    ] = "occlusion"


class Attend(Strict):
    """A question whose attention is to be shown; without layer or head it is the mean over all of them."""

    question: Text
    context: Text
    layer: Annotated[int, Field(ge=1, le=1000), Integer] | None = None
    head: Annotated[int, Field(ge=1, le=1000), Integer] | None = None


class EqualFilter(Strict):
    """Equal, or not; what is null is not equal to anything."""

    column: Name
    comparison: Literal["=", "!="]
    value: Short | Number | bool


class OrderFilter(Strict):
    """Of numbers."""

    column: Name
    comparison: Literal["<", "<=", ">", ">="]
    value: Number


class TextFilter(Strict):
    """Whether a text holds another, in capital letters or not."""

    column: Name
    comparison: Literal["contains"]
    value: Short


class ListFilter(Strict):
    """Whether a value is one of several."""

    column: Name
    comparison: Literal["in"]
    value: Annotated[list[Short | Number | bool], Field(max_length=1000)]


class EmptyFilter(Strict):
    """Whether there is no value, or an empty text; with ``value: false`` whether there is one."""

    column: Name
    comparison: Literal["empty"]
    value: bool = True


Filter = Annotated[EqualFilter | OrderFilter | TextFilter | ListFilter | EmptyFilter, Field(discriminator="comparison")]


class Selection(Strict):
    """Questions that fulfil all filters, hold the text that is searched for, and are among the ids."""

    filters: Annotated[list[Filter], Field(max_length=50)] | None = None
    search: Annotated[Short, Field(description="in id, title, question, context, prediction and golds")] | None = None
    ids: Annotated[list[str], Field(max_length=MOST_IDS)] | None = None


class Sort(Strict):
    """A column to sort by; what is null comes last."""

    column: Name
    descending: bool = False


class QuestionsQuery(Selection):
    """A page of a selection."""

    sort: Annotated[list[Sort], Field(max_length=5)] | None = None
    page: Annotated[int, Field(ge=1, le=MOST_PAGE), Integer] = 1
    size: Annotated[int, Field(ge=1, le=MOST_SIZE), Integer] = 50
    columns: Annotated[list[Name], Field(max_length=100, description="default: all but the context")] | None = None


class SelectionQuery(Selection):
    """A selection, and a column whose values are counted in it."""

    column: Name | None = None


class ExportQuery(Selection):
    """A selection to be downloaded."""

    format: Literal["csv", "json", "squad", "ids"]


class Decision(Strict):
    """That a label stays as it is, or goes, or (empty) is undecided again."""

    verdict: Literal["keep", "drop", ""]
    note: Annotated[str, Field(max_length=10_000)] = ""
    revision: Annotated[str, Field(max_length=64, description="of the verdict that is replaced")] | None = None


class Fix(Strict):
    """The answer that is right instead of the label."""

    verdict: Literal["fix"]
    answer: Annotated[str, Field(max_length=10_000, description="as the context has it; empty for no answer")]
    start: Annotated[
        int | None,
        Field(ge=0, le=10_000_000, description="its first character, where the context has it twice"),
        Integer,
    ] = None
    note: Annotated[str, Field(max_length=10_000)] = ""
    revision: Annotated[str, Field(max_length=64, description="of the verdict that is replaced")] | None = None


Review = Annotated[Decision | Fix, Field(discriminator="verdict")]
