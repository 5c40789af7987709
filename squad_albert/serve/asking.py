"""The routes that answer questions with the server's own model, and tell how the server is."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

from fastapi import APIRouter, Request

from utils.questions import Question

from . import shapes
from .answering import Asked
from .jobs import result
from .openapi import CONFLICT
from .responses import Json
from .schemas import Ask, AskBatch, Attend, Explain
from .service import Service


def ask_router(service: Service) -> APIRouter:
    """``/predict``, ``/predict/batch``, ``/explain``, ``/attend``, ``/health`` and ``/ready``."""
    router = APIRouter(tags=["ask"])

    async def answers(asked: Sequence[Ask]) -> list[dict[str, Any]]:
        waiting = service.answering.ask([Asked(one.question, one.context, one.top_k) for one in asked])
        return list(await asyncio.gather(*map(asyncio.wrap_future, waiting)))

    @router.post("/predict", response_model=shapes.Prediction, summary="Answer a question about a text")
    async def predict(asked: Ask) -> Json:
        return Json((await answers([asked]))[0])

    @router.post("/predict/batch", response_model=shapes.Predictions, summary="Answer several at once")
    async def predict_batch(batch: AskBatch) -> Json:
        return Json({"predictions": await answers(batch.items)})

    @router.post(
        "/explain",
        response_model=shapes.Explanation,
        responses=CONFLICT,
        summary="Which tokens make the model answer so",
    )
    async def explain(asked: Explain, request: Request) -> Json:
        folder, settings = service.own_model
        job = service.inspecting.explain(folder, settings, _question(asked), asked.method)
        return Json(await result(job, request))

    @router.post("/attend", response_model=shapes.Attention, summary="What the words of a question attend to")
    async def attend(asked: Attend, request: Request) -> Json:
        folder, settings = service.own_model
        job = service.inspecting.attend(folder, settings, _question(asked), asked.layer, asked.head)
        return Json(await result(job, request))

    @router.get("/health", response_model=shapes.Health, tags=["server"], summary="Whether the server lives")
    async def health() -> Json:
        return Json({"status": "alive"})

    @router.get("/ready", response_model=shapes.Ready, tags=["server"], summary="Whether it can answer yet")
    async def ready() -> Json:
        return Json(
            {
                "status": "ready",
                "model": service.settings.model,
                "engine": service.engine,
                "runs": list(service.runs),
            }
        )

    return router


def _question(asked: Explain | Attend) -> Question:
    return Question("question", "", asked.question, asked.context, (), labeled=False)
