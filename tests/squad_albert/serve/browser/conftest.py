"""A server with a random ALBERT and an explored run of it, in which some questions mean no good."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from project_config import Settings
from squad_albert.explore.store import Store, identity
from squad_albert.run import evaluate
from squad_albert.run_tables import read_run
from squad_albert.serve.api import create_app
from squad_albert.serve.service import Service
from tests.squad_albert.data import write_squad
from tests.squad_albert.explore.sections import sections_of
from tests.tiny_model import SpanModel
from tests.tiny_run import tiny_run, write_run
from utils.questions import Gold, Question

from .live import served

RUN = "tiny"
GIVEN = "given"
"""A run of answers alone: without a model, and not explored."""

SCRIPT = (
    "</script><script>window.hacked = 1</script><img src=x onerror='window.hacked = 2'>\u202e\u2066 {{ 7 * 7 }} &amp;"
)
EVIL = "evil/1?x=<b>&%2F y"
LONG = "long"
SMILE = "smile"

_CONTEXT = f"The {SCRIPT} was built in Tarn in 1871."
_SMILES = "\U0001f642 The \U0001f6a2 Heron was built in Tarn \U0001f642 in 1871."


def odd_questions() -> list[Question]:
    """Markup and bidi marks in every text and in the id; 100 kB; characters outside the basic plane."""
    return [
        Question(EVIL, SCRIPT, f"Where was {SCRIPT} built?", _CONTEXT, (Gold("Tarn", _CONTEXT.index("Tarn")),)),
        Question(LONG, "Long", "Where was the Heron built? " * 3800, _SMILES, ()),
        Question(SMILE, "Smile", "When was the \U0001f6a2 built?", _SMILES, (Gold("1871", _SMILES.index("1871")),)),
    ]


@pytest.fixture(scope="session")
def service(torch_albert: tuple[Path, SpanModel], tmp_path_factory: pytest.TempPathFactory) -> Service:
    folder = tmp_path_factory.mktemp("serve")
    table = tiny_run(48, splits=("validation",)).questions
    usual = [
        Question(row.id, row.title, row.question, row.context,
                 tuple(Gold(text, start) for text, start in zip(row.golds, row.gold_starts, strict=True)))
        for row in table.itertuples()
    ]  # fmt: skip
    data = write_squad(folder / "data.json", [*usual, *odd_questions()])
    settings = Settings(
        data=str(data), model=str(torch_albert[0]), cache=str(folder / "cache"), max_length=160, overlap=32,
        max_question_tokens=48, threads=1, n_best=10,
    )  # fmt: skip
    run = folder / RUN
    evaluate(settings, None, run, lambda warnings: None)
    store = Store(run, identity(run, settings))
    for section in sections_of(read_run(run)).values():
        store.write(section)
    return Service(settings, [run, write_run(tiny_run(12, model=False), folder / GIVEN)])


@pytest.fixture(scope="session")
def address(service: Service) -> Iterator[str]:
    """Of the running server, once it has its model."""
    with served(create_app(service)) as address:
        until = time.monotonic() + 60
        while httpx.get(f"{address}/ready").status_code != 200:
            assert time.monotonic() < until, "the model was not loaded"
            threading.Event().wait(0.05)
        yield address


@pytest.fixture
def explorer(address: str) -> str:
    """The explorer's address."""
    return f"{address}/explore/{RUN}"
