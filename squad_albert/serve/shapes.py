"""What responses look like, for OpenAPI: nothing is checked against these at run time, but tests do."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

Kind = Literal["text", "number", "boolean", "category"]
Row = dict[str, Any]


class Shape(BaseModel):
    """A response, or a part of one."""

    model_config = ConfigDict(extra="forbid")


class Refusal(BaseModel):
    """Why a request is refused."""

    error: str = Field(description="what happened, and the remedy")
    field: str | None = Field(None, description="of the request, in dots")


class Health(Shape):
    """That the server lives."""

    status: Literal["alive"]


class Ready(Shape):
    """That it can answer questions."""

    status: Literal["ready"]
    model: str
    engine: str
    runs: list[str]


class Answer(Shape):
    """An answer; the empty text is that there is none."""

    text: str
    start: int = Field(description="characters [start, end) of the context")
    end: int
    score: float = Field(description="in logits")
    probability: float


class Passage(Shape):
    """A part of the context."""

    text: str
    start: int = Field(description="characters [start, end) of the context")
    end: int


class Prediction(Shape):
    """The answer to a question, and the best ones."""

    question: str
    answer: str
    no_answer: bool
    start: int
    end: int
    score: float
    probability: float
    no_answer_probability: float
    margin: float = Field(description="logits by which no answer beats the best span")
    unsure: bool = Field(description="whether the probability is below 0.5")
    passage: Passage | None = Field(description="the sentences that the best span stands in")
    answers: list[Answer]


class Predictions(Shape):
    """The answers to several questions, in their order."""

    predictions: list[Prediction]


class TokenScore(Shape):
    """A token; a positive score says that it raises the loss."""

    token: str
    segment: Literal["question", "context", "special"]
    start: int
    end: int
    score: float


class Target(Shape):
    """The span that the loss is of."""

    kind: Literal["gold", "no answer", "prediction"]
    text: str
    start: int
    end: int


class Explanation(Shape):
    """Which tokens drive the loss."""

    method: str
    question: str
    context: str
    answer: str
    window: int
    windows: int
    target: Target
    loss: float
    tokens: list[TokenScore]


class WordSpan(Shape):
    """A word of the question."""

    text: str
    start: int
    end: int


class ContextWord(WordSpan):
    """A word of the context."""

    in_answer: bool


class MainWord(Shape):
    """The context word that a question word attends to most."""

    question_word: str
    context_word: str
    start: int
    end: int
    weight: float


class Attention(Shape):
    """What the words of a question attend to."""

    layers: int
    heads: int
    layer: int | None
    head: int | None
    answer: str
    question_words: list[WordSpan]
    context_words: list[ContextWord]
    weights: list[list[float]]
    main: list[MainWord]


class RunBrief(Shape):
    """A run in the list."""

    name: str
    splits: list[str]
    questions: int
    explored: bool
    model: str | None


class Runs(Shape):
    """The runs that are served."""

    runs: list[RunBrief]


class Figures(Shape):
    """Means over some questions; null where there is nothing to average."""

    questions: int
    exact: float | None
    f1: float | None
    loss: float | None
    no_answer: float | None


class ColumnShape(BaseModel):
    """A column; ``categories`` where there are no more than a hundred."""

    name: str
    type: Kind
    categories: list[str] | None = None


class Analysis(Shape):
    """What an analysis found."""

    title: str
    sentences: list[str]
    facts: dict[str, Any]
    empty: str | None


class RunSummary(RunBrief):
    """A run."""

    engine: str | None
    settings: dict[str, Any]
    metrics: dict[str, Figures]
    columns: list[ColumnShape]
    facts: dict[str, Analysis]


class Page(Shape):
    """A page of rows."""

    total: int
    page: int
    size: int
    rows: list[Row]


class Rows(Shape):
    """The rows of a table."""

    rows: list[Row]


class Ids(Shape):
    """Questions."""

    ids: list[str]


class Filters(Shape):
    """Filters that select the questions of a slice."""

    slice: str
    filters: list[Row]


class Coloured(BaseModel):
    """The colour of every point: ``values``, or ``codes`` of ``categories`` with -1 for those without."""

    column: str
    type: Kind
    values: list[float | bool | None] | None = None
    codes: list[int] | None = None
    categories: list[str] | None = None


class Sized(Shape):
    """The size of every point."""

    column: str
    values: list[float | None]


class Map(BaseModel):
    """The population map, column by column."""

    method: str
    total: int
    ids: list[str]
    x: list[float]
    y: list[float]
    color: Coloured | None = None
    size: Sized | None = None


class SelectionFigures(Figures):
    """Means over a selection, or over the rest; ``confidence`` is the probability of the answers that were given."""

    lenient: float | None
    confidence: float | None


class Histogram(BaseModel):
    """How often values occur: between ``edges``, or of ``categories``."""

    column: str
    type: Kind
    edges: list[float] | None = None
    categories: list[str | bool] | None = None
    selection: list[int]
    rest: list[int]


class SelectionShape(BaseModel):
    """A selection beside the rest."""

    selection: SelectionFigures
    rest: SelectionFigures
    histogram: Histogram | None = None


class Similar(Shape):
    """The questions most like one."""

    similar: list[Row]


class VerdictShape(Shape):
    """What was decided about a label."""

    id: str
    verdict: Literal["keep", "fix", "drop", ""]
    answer: str | None
    start: int | None
    note: str
    revision: str | None
