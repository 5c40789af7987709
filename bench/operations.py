"""Where the default engine's time goes, operation by operation, and how much faster the processor would let it be.

``python -m bench.operations`` runs it, at albert-base size with random weights or with the model of ``--model``. The
questions are those of ``make bench``; ONNX Runtime itself takes the times, and the machine's best matrix product is
measured before and after.
"""

from __future__ import annotations

import argparse
import datetime
import json
import math
import tempfile
from collections import Counter, defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from unittest.mock import patch

import onnxruntime

from model.engines import session_options
from model.runtime import Model
from project_config import ROOT, Settings
from squad_albert.tables import table
from utils.questions import Question
from utils.squad import draw, load_file
from utils.windows import build_windows

from .evaluate import BUILD, base_model, job_of, measure, processor

LEAST = 0.005
"""Operations that take less of the time are told together."""

WEIGHTS = "products with weights"
ATTENTION = "products of attention"
PRODUCTS = (WEIGHTS, ATTENTION)
OTHERS = "all others"

Event = dict[str, Any]


def node_events(folder: Path, questions: Sequence[Question], settings: Settings) -> list[Event]:
    """What ONNX Runtime tells of every operation that it computed: ``dur`` in microseconds, and ``args``."""
    with tempfile.TemporaryDirectory() as scratch:

        def profiled(path: Path, threads: int) -> onnxruntime.SessionOptions:
            options = session_options(path, threads)
            options.enable_profiling = True
            options.profile_file_prefix = str(Path(scratch, "profile"))
            return options

        with patch("model.engines.session_options", profiled):
            model = Model(folder, settings)
        model.logits(build_windows(questions, model.tokenizer, settings, cache=False))
        del model  # only then is the file whole
        [path] = Path(scratch).iterdir()
        events: list[Event] = json.loads(path.read_text(encoding="utf-8"))
    return [event for event in events if event.get("cat") == "Node" and event["name"].endswith("_kernel_time")]


def kind_of(event: Event) -> str:
    """The operation; matrix products by what they multiply with."""
    operation: str = event["args"]["op_name"]
    if not operation.endswith("MatMul"):
        return operation
    return ATTENTION if len(event["args"]["input_type_shape"]) > 1 else WEIGHTS  # weights are not told of


def flops_of(event: Event) -> float:
    """Floating-point operations of a matrix product, padding included; 0 of another operation."""
    if kind_of(event) not in PRODUCTS:
        return 0.0
    (left,), (output,) = (event["args"][name][0].values() for name in ("input_type_shape", "output_type_shape"))
    return float(2 * math.prod(output) * left[-1])


def lines(events: Sequence[Event], peak: float) -> list[str]:
    """Kinds of operations, the costliest first, and the bound that the processor sets.

    Args:
        events: of ``node_events``.
        peak: the machine's best matrix product, in FLOP/s.
    """
    costs = Counter[str]()
    for event in events:
        costs[kind_of(event)] += event["dur"]
    total = sum(costs.values())
    calls, taken = Counter[str](), Counter[str]()
    flops: dict[str, float] = defaultdict(float)
    for event in events:
        kind = kind_of(event) if costs[kind_of(event)] >= LEAST * total else OTHERS
        calls[kind] += 1
        taken[kind] += event["dur"]
        flops[kind] += flops_of(event)
    rows = [["", "calls", "share of time", "GFLOP/s"]]
    for kind, cost in taken.most_common():
        speed = f"{flops[kind] / cost / 1e3:,.0f}" if kind in PRODUCTS else ""
        rows.append([kind, f"{calls[kind]:,}", f"{cost / total:.1%}", speed])
    bound = total / 1e6 / (sum(flops.values()) / peak)
    return [
        *table(rows),
        f"the machine's best matrix product: {peak / 1e9:,.0f} GFLOP/s",
        f"were all products as fast, and all else free: {bound:.2f} times as fast",
    ]


def main() -> None:
    """Profiles the default engine and prints where its time goes."""
    parser = argparse.ArgumentParser(prog="python -m bench.operations", description=main.__doc__)
    parser.add_argument("--model", type=Path, help="folder; default: a model of albert-base size, random weights")
    parser.add_argument("--questions", type=int, default=50, help="drawn from the test split")
    options = parser.parse_args()
    BUILD.mkdir(parents=True, exist_ok=True)
    settings = Settings.model_validate({})
    folder = options.model or base_model(ROOT / settings.model, 12)
    questions = draw(load_file(ROOT / "data" / "test.json", warnings=[]), options.questions, settings.seed, "test")
    job = job_of(folder, questions, settings)

    print(f"{datetime.date.today()}, {processor()}; {folder.name}, {len(questions)} questions of the test split")
    before = max(measure("peak fp32", job)["flops"].values())
    events = node_events(folder, questions, settings)
    after = max(measure("peak fp32", job)["flops"].values())
    print("\n".join(lines(events, max(before, after))))


if __name__ == "__main__":
    main()
