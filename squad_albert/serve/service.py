"""All that requests are answered from: the runs, and the model once it is loaded."""

from __future__ import annotations

import os
from collections.abc import Sequence
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

from model.runtime import Model
from project_config import ProjectError, Settings
from squad_albert.run_folder import RunError
from squad_albert.run_model import run_model_folder, run_questions, run_settings
from utils.questions import Question
from utils.samples import model_folder

from .answering import Answering, Asked, answer_with
from .errors import NotFoundError, UnavailableError
from .inspecting import Inspecting
from .runs import ServedRun

BATCH_TOKENS = 512
"""Tokens, padding included, that the model sees at once: questions of different lengths that come together need little
padding so, and a small model stays in the cache."""

WARM_UP = Asked("What is this?", "This is a first question, which makes later ones faster.", 1)


class ServeError(ProjectError):
    """The server cannot be started as it was asked to."""


class Service:
    """Runs and a model, for any number of requests.

    Args:
        settings: the model, and how it is used.
        folders: of runs.
        warm: whether gradients are made ready before somebody asks for them.

    Raises:
        RunError: if a folder is no run, or a damaged one.
        ServeError: if two of them have one name.
    """

    def __init__(self, settings: Settings, folders: Sequence[Path] = (), warm: bool = False) -> None:
        self.settings = settings
        self._warm = warm
        self.inspecting = Inspecting()
        self.failure: ProjectError | None = None
        self._runs: dict[str, ServedRun] = {}
        self._answering: Answering | None = None
        for folder in folders:
            name = folder.resolve().name
            if name in self._runs:
                raise ServeError(f"two runs are called `{name}`. Rename the folder of one of them.")
            self._runs[name] = ServedRun(name, folder)

    def load(self) -> None:
        """Opens the model; where that fails, ``failure`` says why, and every question is refused."""
        try:
            small = {"batch_tokens": min(self.settings.batch_tokens, BATCH_TOKENS)}
            alone = {"threads": self.settings.threads or 1}
            model = Model(model_folder(self.settings), self.settings.model_copy(update=small | alone))
            answer = answer_with(model, self.settings)
            answer([WARM_UP])
        except ProjectError as error:
            self.failure = error
            return
        self._engine = model.engine
        several = model.engine.startswith("onnxruntime")  # a session may be used by several threads at once
        cores = len(os.sched_getaffinity(0))
        self._answering = Answering(answer, threads=max(1, cores // alone["threads"]) if several else 1)
        if self._warm:
            self.inspecting.warm(*self.own_model)

    @property
    def ready(self) -> bool:
        """Whether the model is loaded."""
        return self._answering is not None

    @property
    def answering(self) -> Answering:
        """What answers questions.

        Raises:
            UnavailableError: while the model is being loaded, or if that failed.
        """
        if self.failure:
            raise UnavailableError(f"there is no model: {self.failure}")
        if self._answering is None:
            raise UnavailableError("the model is being loaded. Try again in a second.")
        return self._answering

    @property
    def engine(self) -> str:
        """What computes the answers.

        Raises:
            UnavailableError: while the model is being loaded.
        """
        return self._engine if self.answering else ""

    @property
    def runs(self) -> dict[str, ServedRun]:
        """By name."""
        return self._runs

    def list_runs(self) -> list[dict[str, Any]]:
        """What ``ServedRun.brief`` says of each."""
        return [run.brief for run in self._runs.values()]

    def run(self, name: str) -> ServedRun:
        """A run.

        Raises:
            NotFoundError: if none has that name.
        """
        if name not in self._runs:
            known = f"Runs are {', '.join(self._runs)}." if self._runs else "None was opened."
            raise NotFoundError(f"there is no run `{name[:100]}`. {known}", "run")
        return self._runs[name]

    def question_of(self, run: ServedRun, question_id: str) -> tuple[Path, Settings, Question]:
        """A question of a run with the model folder and the settings that the run was made with.

        Raises:
            NotFoundError: if there is no such question, or the run's model is gone.
        """
        [question] = run_questions(run.tables, [run.row(question_id)])
        try:
            folder = self._folder_of(run.name)
        except RunError as error:
            raise NotFoundError(run.nameless(error), "run") from error
        return folder, run_settings(run.tables, self.settings), question

    @cached_property
    def own_model(self) -> tuple[Path, Settings]:
        """The folder of the server's own model, and its settings."""
        return model_folder(self.settings), self.settings

    @cached_property
    def _folder_of(self) -> Any:
        return lru_cache(lambda name: run_model_folder(self._runs[name].tables, self.settings))

    def close(self) -> None:
        """Answers what was taken in, and lets go of everything."""
        if self._answering:
            self._answering.close()
        self.inspecting.close()
        for run in self._runs.values():
            run.close()
