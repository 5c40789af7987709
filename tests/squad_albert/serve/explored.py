"""A tiny run that looks explored: every table that is served, made by hand."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from project_config import Settings
from squad_albert.explore.section import Section
from squad_albert.explore.store import Store, identity
from squad_albert.run_tables import RunTables
from tests.tiny_run import write_run


def write_explored(tables: RunTables, folder: Path) -> Path:
    """Writes a run and its analyses: clusters 0 and 1 by turns and one question in ten in none, and two slices."""
    write_run(tables, folder)
    store = Store(folder, identity(folder, Settings()))
    for section in _sections(tables.questions):
        store.write(section)
    return folder


def _sections(questions: pd.DataFrame) -> list[Section]:
    count = len(questions)
    number = np.arange(count)
    ids = questions["id"]
    draw = np.random.default_rng(3)
    points = pd.DataFrame({"id": ids, "x": draw.normal(size=count), "y": draw.normal(size=count)}).astype(
        {"x": "float32", "y": "float32"}
    )
    members = pd.DataFrame({"id": ids, "cluster": np.where(number % 10 == 9, -1, number % 2), "high_loss_cluster": -1})
    clusters = pd.DataFrame(
        {"cluster": [1, 0], "rank": [1, 2], "size": [count // 2, count // 2], "loss": [2.0, np.nan]}
        | {"terms": [["ship"], []], "reason": ["", "x"], "central": [[ids[1]], [ids[0]]]}
    )
    conditions = [
        [{"column": "answer_type", "value": "none", "low": None, "high": None}],
        [
            {"column": "question_words", "value": None, "low": 5.0, "high": 6.0},
            {"column": "truncated_question", "value": "no", "low": None, "high": None},
        ],
    ]
    slices = pd.DataFrame(
        {"slice": ["answer_type = none", "question_words 5 to 6 and truncated_question = no"]}
        | {"conditions": conditions, "level": [1, 2], "size": [10, 40], "loss": [4.0, 3.0], "p": [0.01, 0.02]}
    )
    labels = pd.DataFrame({"id": ids[::-1], "rank": number + 1, "score": count - number, "reason": "it looks odd"})
    return [
        Section("population", "Population map", points, ["A map."], {"method": "pca", "questions": count}),
        Section("clusters", "Clusters", clusters, ["Two clusters."], {}, {"cluster_members": members}),
        Section("slices", "Slices", slices, [], {}),
        Section("labels", "Labels", labels.reset_index(drop=True), [], {}),
    ]
