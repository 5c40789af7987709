"""The routes that show runs."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Request
from fastapi.responses import StreamingResponse
from pydantic import AfterValidator, ConfigDict, Field

from squad_albert.explore.verdicts import Verdict

from . import routing, shapes, views
from .errors import ConflictError
from .exports import export
from .jobs import result
from .openapi import CONFLICT
from .responses import Json
from .runs import ServedRun, records
from .schemas import (
    MOST_PAGE,
    MOST_SIMILAR,
    MOST_SIZE,
    Decision,
    ExportQuery,
    Fix,
    Method,
    Name,
    QuestionsQuery,
    Review,
    SelectionQuery,
    Strict,
    Whole,
)
from .service import Service

RunName = Annotated[str, Path(alias="run", description="the name of its folder", min_length=1)]
QuestionId = Annotated[
    str, Path(alias="id", description="of a question", min_length=1), AfterValidator(routing.question_id)
]


class Parameters(Strict):
    """The part of an address behind the question mark."""

    model_config = ConfigDict(strict=False)


class SimilarParameters(Parameters):
    """How many."""

    k: Annotated[int, Field(ge=1, le=MOST_SIMILAR), Whole] = 10


class MapParameters(Parameters):
    """Columns that colour and size the points."""

    color: Name | None = None
    size: Name | None = None


class MethodParameters(Parameters):
    """How the loss is explained."""

    method: Method = "occlusion"


class HeadParameters(Parameters):
    """Which layer and head, from 1; by default the mean over all."""

    layer: Annotated[int, Field(ge=1, le=1000), Whole] | None = None
    head: Annotated[int, Field(ge=1, le=1000), Whole] | None = None


class PageParameters(Parameters):
    """Which page."""

    page: Annotated[int, Field(ge=1, le=MOST_PAGE), Whole] = 1
    size: Annotated[int, Field(ge=1, le=MOST_SIZE), Whole] = 50


def explore_router(service: Service) -> APIRouter:
    """``/runs`` and all below it."""
    router = APIRouter(prefix="/runs", tags=["runs"])
    _add_run(router, service)
    _add_questions(router, service)
    _add_findings(router, service)
    return router


def _add_run(router: APIRouter, service: Service) -> None:
    """A run as a whole, and selections in it."""

    @router.get("", response_model=shapes.Runs, summary="The runs that are served")
    async def runs() -> Json:
        return Json({"runs": service.list_runs()})

    @router.get("/{run}", response_model=shapes.RunSummary, summary="A run: metrics, columns, findings")
    def run(name: RunName) -> Json:
        return Json(service.run(name).summary)

    @router.post("/{run}/questions", response_model=shapes.Page, summary="A page of the questions that are selected")
    def questions(name: RunName, query: QuestionsQuery) -> Json:
        return Json(views.questions_page(service.run(name), query))

    @router.get("/{run}/map", response_model=shapes.Map, summary="The population map, column by column")
    def population_map(name: RunName, parameters: Annotated[MapParameters, Query()]) -> Json:
        run = service.run(name)
        return Json(views.population_map(run, parameters.color, parameters.size, service.settings.seed))

    @router.post("/{run}/selection", response_model=shapes.SelectionShape, summary="A selection beside the rest")
    def selection(name: RunName, query: SelectionQuery) -> Json:
        return Json(views.selection(service.run(name), query))

    @router.post("/{run}/export", response_class=StreamingResponse, responses=_EXPORTED, summary="Download a selection")
    def export_selection(name: RunName, query: ExportQuery) -> StreamingResponse:
        made = export(service.run(name), query)
        headers = {"Content-Disposition": f'attachment; filename="{made.name}"'}
        return StreamingResponse(made.pieces, media_type=made.media_type, headers=headers)

    @router.get("/{run}/verdicts", response_class=StreamingResponse, responses=_CSV, summary="The verdict file")
    def verdicts(name: RunName) -> StreamingResponse:
        headers = {"Content-Disposition": 'attachment; filename="verdicts.csv"'}
        return StreamingResponse(iter([service.run(name).verdicts.content()]), media_type="text/csv", headers=headers)


def _add_findings(router: APIRouter, service: Service) -> None:
    """What the analyses found."""

    @router.get("/{run}/clusters", response_model=shapes.Rows, summary="Clusters, of the highest loss first")
    def clusters(name: RunName) -> Json:
        return Json({"rows": records(service.run(name).section("clusters").table)})

    @router.get("/{run}/clusters/{cluster}", response_model=shapes.Ids, summary="The questions of a cluster")
    def cluster(name: RunName, number: Annotated[int, Path(alias="cluster", ge=-1, le=10**6), Whole]) -> Json:
        return Json({"ids": views.cluster_ids(service.run(name), number)})

    @router.get("/{run}/slices", response_model=shapes.Rows, summary="Slices that stand out")
    def slices(name: RunName) -> Json:
        return Json({"rows": records(service.run(name).section("slices").table)})

    @router.get("/{run}/slices/{index}", response_model=shapes.Filters, summary="Filters that select a slice")
    def slice_(name: RunName, index: Annotated[int, Path(ge=0, le=10**6), Whole]) -> Json:
        return Json(views.slice_filters(service.run(name), index))

    @router.get("/{run}/labels", response_model=shapes.Page, summary="Labels, the most suspicious first")
    def labels(name: RunName, parameters: Annotated[PageParameters, Query()]) -> Json:
        table = service.run(name).section("labels").table
        start = (parameters.page - 1) * parameters.size
        rows = records(table.iloc[start : start + parameters.size])
        return Json({"total": len(table), "page": parameters.page, "size": parameters.size, "rows": rows})


def _add_questions(router: APIRouter, service: Service) -> None:
    """One question."""

    @router.get("/{run}/questions/{id}/similar", response_model=shapes.Similar, summary="Those most like it")
    def similar(name: RunName, question_id: QuestionId, parameters: Annotated[SimilarParameters, Query()]) -> Json:
        found = service.run(name).similar(question_id, parameters.k, service.settings)
        return Json({"similar": found})

    @router.get(
        "/{run}/questions/{id}/explanation",
        response_model=shapes.Explanation,
        responses=CONFLICT,
        summary="What drives its loss",
    )
    async def explanation(
        name: RunName, question_id: QuestionId, parameters: Annotated[MethodParameters, Query()], request: Request
    ) -> Json:
        asked = await asyncio.to_thread(service.question_of, service.run(name), question_id)
        return Json(await result(service.inspecting.explain(*asked, parameters.method), request))

    @router.get("/{run}/questions/{id}/attention", response_model=shapes.Attention, summary="What it attends to")
    async def attention(
        name: RunName, question_id: QuestionId, parameters: Annotated[HeadParameters, Query()], request: Request
    ) -> Json:
        asked = await asyncio.to_thread(service.question_of, service.run(name), question_id)
        return Json(await result(service.inspecting.attend(*asked, parameters.layer, parameters.head), request))

    @router.get("/{run}/questions/{id}/verdict", response_model=shapes.VerdictShape, summary="Its verdict")
    def verdict(name: RunName, question_id: QuestionId) -> Json:
        run = service.run(name)
        run.row(question_id)
        return Json(run.verdicts.of(question_id))

    @router.put(
        "/{run}/questions/{id}/verdict",
        response_model=shapes.VerdictShape,
        responses=CONFLICT,
        summary="Decide on its label",
    )
    def decide(name: RunName, question_id: QuestionId, review: Review) -> Json:
        run = service.run(name)
        return Json(run.verdicts.replace(question_id, _decided(run, question_id, review), review.revision))

    @router.get("/{run}/questions/{id}", response_model=dict[str, Any], summary="All about a question")
    def question(name: RunName, question_id: QuestionId) -> Json:
        return Json(service.run(name).question(question_id))


def _decided(run: ServedRun, question_id: str, review: Decision | Fix) -> Verdict | None:
    """The verdict that a request gives; None for taking one back.

    Raises:
        ConflictError: if the context does not have the answer, or has it more than once.
    """
    row = run.row(question_id)
    if isinstance(review, Decision):
        return Verdict(question_id, review.verdict, note=review.note) if review.verdict or review.note else None
    answer = review.answer.strip()
    if not answer:
        return Verdict(question_id, "fix", "", note=review.note)
    context = str(run.tables.questions["context"].iloc[row])
    places = [match for match in range(len(context)) if context.startswith(answer, match)]
    if review.start in places or (review.start is None and len(places) == 1):
        return Verdict(question_id, "fix", answer, review.start, review.note)
    if not places:
        raise ConflictError("the context does not hold this answer. Copy it from there, letter by letter.", "answer")
    shown = ", ".join(map(str, places[:20]))
    raise ConflictError(f"the context holds this answer at {shown}. Send one of these as `start`.", "start")


_CSV: dict[int | str, dict[str, Any]] = {200: {"content": {"text/csv": {"schema": {"type": "string"}}}}}

_EXPORTED: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "the file",
        "content": {
            "text/csv": {"schema": {"type": "string"}},
            "application/json": {"schema": {}},
            "text/plain": {"schema": {"type": "string"}},
        },
    }
}
