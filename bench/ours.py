"""One engine of this project, or plain torch, or a yardstick, measured in a process of its own.

``python -m bench.ours JOB`` reads and writes what ``bench.peers`` does. Engines are named "onnxruntime fp32",
"openvino bf16" and so on; "torch fp32" and "torch bf16" are the checkpoint in torch behind our batches and decoder;
"peak fp32" and "peak bf16" are matrix products alone, and "decode" the decoder alone.
"""

from __future__ import annotations

import json
import statistics
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

import numpy as np
from numpy.typing import NDArray

from model.runtime import Model, question_groups
from project_config import Settings
from utils.decoders import Decoded, decode_questions, window_spans
from utils.encoders import INPUT_NAMES
from utils.questions import Question
from utils.signature import Tensor
from utils.windows import Windows, build_windows, load_tokenizer

from .peak import best_products
from .peers import WARM_UP, peak_memory
from .plain import loop_spans, pipeline_answer

Float = NDArray[np.float32]
Result = dict[str, Any]

SIZES = ("max_length", "overlap", "max_question_tokens", "max_answer_tokens", "n_best", "batch_tokens")
DECODE_ROUNDS = 5


class Torch:
    """The checkpoint in torch, as an engine."""

    failures: tuple[type[Exception], ...] = (RuntimeError,)

    def __init__(self, folder: Path, precision: str, threads: int) -> None:
        import torch
        from transformers import AutoModelForQuestionAnswering

        torch.set_num_threads(threads)
        self.name = f"torch {torch.__version__} {precision}"
        kind = {"fp32": torch.float32, "bf16": torch.bfloat16}[precision]
        self._model = AutoModelForQuestionAnswering.from_pretrained(folder, dtype=kind).eval()

    def get_inputs(self) -> Sequence[Tensor]:
        """What the model takes."""
        return [SimpleNamespace(name=name, type="tensor(float)", shape=[None, None]) for name in INPUT_NAMES]

    def get_outputs(self) -> Sequence[Tensor]:
        """What the model gives."""
        return [SimpleNamespace(name="logits", type="tensor(float)", shape=[None, None, 2])]

    def run(self, feed: Mapping[str, Float]) -> Float:
        """Float32 logits ``[B, L, 2]``."""
        import torch

        with torch.inference_mode():
            inputs = {name: torch.from_numpy(value).long() for name, value in feed.items()}
            found = self._model(**inputs)
            logits: Float = torch.stack([found.start_logits, found.end_logits], dim=-1).float().numpy()
        return logits


def measure_engine(job: Mapping[str, Any]) -> Result:
    """Answers the questions of a job: text to text, the loading of the model apart."""
    model, settings = _load(job)
    questions = questions_of(job)
    warm_up = build_windows(questions[:WARM_UP], model.tokenizer, settings, cache=False)
    model.logits(warm_up)
    began = time.perf_counter()
    windows = build_windows(questions, model.tokenizer, settings, cache=False)
    stages = {"windows": time.perf_counter() - began, "model": 0.0, "decode": 0.0}
    logits: list[Float] = []
    decoded: list[Decoded] = []
    for group in question_groups(windows.first):
        before = time.perf_counter()
        rows = np.arange(windows.first[group.start], windows.first[group.stop])
        logits.append(model.logits(windows, rows))
        computed = time.perf_counter()
        spans = window_spans(logits[-1], windows.context_start[rows], windows.context_end[rows], settings)
        decoded += decode_questions(spans, windows, questions, settings, group)
        stages["model"] += computed - before
        stages["decode"] += time.perf_counter() - computed
    seconds = time.perf_counter() - began
    return {
        "seconds": seconds,
        "peak": peak_memory(),
        "stages": stages,
        "lengths": windows.length.tolist(),
        "answers": _answers(job, questions, windows, np.concatenate(logits), decoded, settings),
    }


def _load(job: Mapping[str, Any]) -> tuple[Model, Settings]:
    """A job's model behind the engine that the job names."""
    engine, precision = job["engine"].split()
    folder = Path(job["model"])
    if engine != "torch":
        settings = settings_of(job, engine=engine, precision=precision)
        return Model(folder, settings), settings
    settings = settings_of(job)
    with patch("model.runtime.open_engine", lambda path, settings: Torch(folder, precision, job["threads"])):
        return Model(folder, settings), settings


def _answers(
    job: Mapping[str, Any],
    questions: Sequence[Question],
    windows: Windows,
    logits: Float,
    decoded: Sequence[Decoded],
    settings: Settings,
) -> dict[str, Result]:
    """By question id the answer, all that competed with it, and what the pipeline would make of the same logits."""
    answers = {}
    for number, (question, one) in enumerate(zip(questions, decoded, strict=True)):
        best = one.best(job["no_answer"], settings.no_answer_threshold)
        of_question = slice(windows.first[number], windows.first[number + 1])
        answers[question.id] = {
            "text": best.text,
            "start": best.start,
            "end": best.end,
            "null": one.null_score,
            "ranked": [[answer.start, answer.end, answer.score] for answer in one.answers],
            "pooled": pipeline_answer(
                logits[of_question], number, question.context, windows, settings, job["no_answer"]
            ),
        }
    return answers


def questions_of(job: Mapping[str, Any]) -> list[Question]:
    """The questions of a job, without their golds."""
    return [Question(key, "", asked, context, (), labeled=False) for key, asked, context in job["questions"]]


def settings_of(job: Mapping[str, Any], **chosen: Any) -> Settings:
    """The settings of a job; answers are left as they are decoded, as the peers leave theirs."""
    return Settings(**{name: job[name] for name in (*SIZES, "threads")}, whole_words=False, **chosen)


def measure_peak(job: Mapping[str, Any]) -> Result:
    """The best sustained matrix product of each library at the model's own shapes, in FLOP/s."""
    config = json.loads((Path(job["model"]) / "config.json").read_text(encoding="utf-8"))
    return {"flops": best_products(config, job["batch_tokens"], job["engine"].split()[1], job["threads"])}


def measure_decode(job: Mapping[str, Any]) -> Result:
    """Seconds a window for the n-best spans' indices and scores, ours and by a plain loop, over random logits."""
    settings = settings_of(job)
    windows = build_windows(questions_of(job), load_tokenizer(Path(job["model"])), settings, cache=False)
    logits = np.random.default_rng(0).standard_normal((len(windows), windows.max_length, 2), np.float32) * 3
    ours, loop = [], []
    for _ in range(DECODE_ROUNDS):
        began = time.perf_counter()
        window_spans(logits, windows.context_start, windows.context_end, settings)
        found = time.perf_counter()
        for row in range(len(windows)):
            loop_spans(logits[row], row, windows, settings)
        ours.append(found - began)
        loop.append(time.perf_counter() - found)
    return {"ours": statistics.median(ours) / len(windows), "loop": statistics.median(loop) / len(windows)}


def main() -> None:
    """Does a job."""
    job = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    measure = {"peak": measure_peak, "decode": measure_decode}.get(job["engine"].split()[0], measure_engine)
    Path(job["out"]).write_text(json.dumps(measure(job), ensure_ascii=False), encoding="utf-8")


if __name__ == "__main__":
    main()
