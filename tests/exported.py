"""A random checkpoint beside its ONNX file, and a run that it makes of questions: for all that needs gradients."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
from tokenizers import Tokenizer
from transformers import AutoModelForQuestionAnswering

from model.export import Exportable, _trace
from model.runtime import Model
from project_config import Settings
from squad_albert.model_files import model_hashes
from squad_albert.run_columns import QUESTIONS, VECTORS, WINDOWS
from squad_albert.run_folder import FORMAT
from squad_albert.run_tables import RunTables, frame
from squad_albert.targets import choose_targets
from tests.model.tiny import write_checkpoint
from utils.questions import Question
from utils.squad_metrics import exact_match

SMALL = Settings(max_length=96, overlap=16, max_question_tokens=24, threads=1, no_answer="always")


def write_exported(folder: Path, tokenizer: Tokenizer, architecture: str = "albert", **changes: object) -> Path:
    """Writes a checkpoint, as ``write_checkpoint`` does, and ``model.onnx``."""
    write_checkpoint(folder, architecture, tokenizer, **changes)
    model = AutoModelForQuestionAnswering.from_pretrained(folder, attn_implementation="eager").eval()
    _trace(Exportable(model).eval(), folder / "model.onnx", str(folder))
    return folder


def model_run(questions: list[Question], folder: Path, settings: Settings = SMALL) -> RunTables:
    """The run of a model, in memory, with what explanations need of it."""
    model = Model(folder, settings)
    targets, answers = choose_targets(model, questions, settings)
    first = targets.windows.first
    rows = [
        {
            **{"id": one.id, "split": "validation", "title": one.title, "question": one.question},
            **{"context": one.context, "golds": [gold.text for gold in one.golds]},
            **{"gold_starts": [gold.start for gold in one.golds], "labeled": one.labeled},
            **{"answerable": one.answerable, "prediction": answer.text, "confidence": answer.probability},
            "exact": exact_match(answer.text, [gold.text for gold in one.golds]) if one.labeled else None,
            "loss": float(targets.loss[number]) if one.labeled else None,
            "window": answer.window,
            "window_count": int(first[number + 1] - first[number]),
        }
        for number, (one, answer) in enumerate(zip(questions, answers, strict=True))
    ]
    manifest = {
        "format": FORMAT,
        "splits": ["validation"],
        "data": {"validation": "0" * 64},
        "model": model_hashes(folder),
        "settings": settings.model_dump(
            include={"max_length", "overlap", "max_question_tokens", "no_answer", "no_answer_threshold", "batch_tokens"}
        ),
        "engine": model.engine,
        "sources": {"data": "test", "model": str(folder)},
    }
    windows = [
        {"id": str(row), "question": int(question), "length": int(length)}
        for row, (question, length) in enumerate(zip(targets.windows.question, targets.windows.length, strict=True))
    ]
    vectors = {name: np.zeros((len(rows), 2), np.float32) for name in VECTORS}
    tables = (frame(pa.Table.from_pylist(some, schema)) for some, schema in ((rows, QUESTIONS), (windows, WINDOWS)))
    return RunTables(folder, manifest, *tables, vectors)
