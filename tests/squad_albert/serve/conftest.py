"""A run, a model and a client of the server over both, each made once."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import uvicorn
from fastapi.testclient import TestClient

from model.runtime import MODEL_FILES
from project_config import Settings
from squad_albert.files import sha256
from squad_albert.run_folder import RESULT_SETTINGS
from squad_albert.run_tables import RunTables
from squad_albert.serve.api import create_app
from squad_albert.serve.server import Patient, Server, bind
from squad_albert.serve.service import Service
from tests.exported import SMALL
from tests.squad_albert.serve.explored import write_explored
from tests.tiny_run import tiny_run


@pytest.fixture(scope="session")
def tables() -> RunTables:
    """The run that is served, as it is in memory."""
    return tiny_run(60)


@pytest.fixture(scope="session")
def run_folder(tables: RunTables, settings: Settings, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same run, explored, on the disk; called `tiny`."""
    return write_explored(_with_model(tables, settings), tmp_path_factory.mktemp("served") / "tiny")


@pytest.fixture(scope="session")
def settings(torch_albert: tuple[Path, object]) -> Settings:
    """A random model of two layers."""
    return SMALL.model_copy(update={"model": str(torch_albert[0])})


@pytest.fixture(scope="session")
def service(settings: Settings, run_folder: Path) -> Service:
    """What the client's requests are answered from."""
    return Service(settings, [run_folder])


@pytest.fixture(scope="session")
def client(service: Service) -> Iterator[TestClient]:
    """A client, once the model is loaded."""
    with TestClient(create_app(service)) as client:
        wait_until_ready(client)
        yield client


def wait_until_ready(client: TestClient, seconds: float = 60) -> None:
    """Waits for the model, which is loaded while the server runs already."""
    until = time.monotonic() + seconds
    while client.get("/ready").status_code != 200:
        assert time.monotonic() < until


@pytest.fixture(scope="session")
def address(settings: Settings, tables: RunTables, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a real server, over a copy of the run that tests may decide on."""
    folder = write_explored(_with_model(tables, settings), tmp_path_factory.mktemp("address") / "tiny")
    bound = bind("127.0.0.1", 0)
    service = Service(settings, [folder])
    config = uvicorn.Config(create_app(service), http=Patient, log_level="critical", ws="none")
    listening = threading.Event()
    server = Server(config, service, listening.set)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [bound]})
    thread.start()
    assert listening.wait(60)
    while service.failure is None and not service.ready:
        time.sleep(0.01)
    yield f"http://127.0.0.1:{bound.getsockname()[1]}"
    server.should_exit = True
    thread.join()


def _with_model(tables: RunTables, settings: Settings) -> RunTables:
    """The same run as if the model had made it."""
    folder = Path(settings.model)
    manifest = {
        **tables.manifest,
        "model": {name: sha256(folder / name) for name in MODEL_FILES},
        "sources": {"data": "sample", "model": str(folder)},
        "settings": settings.model_dump(include=set(RESULT_SETTINGS)),
    }
    return replace(tables, manifest=manifest)
