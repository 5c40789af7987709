"""What evaluation costs: this project's engines against what users have, on the same questions and weights.

``make bench`` runs it. Every engine answers the same questions in a process of its own, by turns, several rounds in
one run; figures are medians over the rounds. The transformers pipeline and optimum's live in an environment that the
first run makes in build/. Speed is measured at albert-base size with random weights, and with the bundled model;
answers and F1 with the bundled model.
"""

from __future__ import annotations

import argparse
import datetime
import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from model.engines import has_bf16
from project_config import ROOT, Settings
from squad_albert.tables import table
from utils.questions import Question, has_unanswerable
from utils.squad import draw, load_file

from .answers import answer_lines
from .ours import SIZES

BUILD = ROOT / "build" / "bench"
PEERS = BUILD / "venv"
REQUIREMENTS = ("torch==2.13.0", "transformers>=4.57,<4.58", "optimum-onnx[onnxruntime]==0.1.0", "flask>=3.1,<4")
TORCH_INDEX = "https://download.pytorch.org/whl/cpu"
"""Where pip looks for torch, too: a build for CPU alone is newer to it than one with CUDA."""

OURS = ("onnxruntime fp32", "openvino fp32", "openvino bf16")
OTHERS = ("pipeline", "optimum", "torch fp32", "torch bf16")
PEAKS = ("peak fp32", "peak bf16")
TURNS = (*OTHERS, "peak fp32", *OURS, "peak bf16")
"""The order in a round: a yardstick stands beside what it measures."""
NO_BF16 = (
    "This processor has no bf16 (avx512_bf16 or amx_bf16): no speed is measured in it, and of its answers only\n"
    "torch's, which are computed in software."
)

NAMES = {
    "pipeline": "transformers 4.57 pipeline, fp32",
    "optimum": "optimum's ONNX Runtime pipeline, fp32",
    "torch fp32": "torch fp32, by length",
    "torch bf16": "torch bf16, by length",
}

Result = dict[str, Any]


def peers_python() -> Path:
    """The interpreter of the peers' environment, which is made if need be."""
    python, stamp = PEERS / "bin" / "python", PEERS / "installed"
    if not stamp.exists() or stamp.read_text(encoding="utf-8") != "\n".join(REQUIREMENTS):
        index = os.environ.get("TORCH_INDEX", TORCH_INDEX)
        pip = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        subprocess.run([sys.executable, "-m", "venv", "--clear", str(PEERS)], check=True)
        subprocess.run([*pip, "--retries", "1", "--extra-index-url", index, REQUIREMENTS[0]], check=True)
        subprocess.run([*pip, *REQUIREMENTS], check=True)
        stamp.write_text("\n".join(REQUIREMENTS), encoding="utf-8")
    return python


def base_model(tokenizer_folder: Path, layers: int) -> Path:
    """A model folder of albert-base size with random weights and the tokenizer of another; made if need be."""
    import torch
    from transformers import AlbertConfig, AlbertForQuestionAnswering, PreTrainedTokenizerFast

    from model.export import export

    folder = BUILD / f"albert-base-{layers}"
    if not (folder / "model.onnx").is_file():
        torch.manual_seed(0)
        config = AlbertConfig(
            vocab_size=30000,
            embedding_size=128,
            hidden_size=768,
            num_hidden_layers=layers,
            num_attention_heads=12,
            intermediate_size=3072,
            max_position_embeddings=512,
            initializer_range=0.05,  # at 0.02 all tokens get about the same logits
        )
        with tempfile.TemporaryDirectory(dir=BUILD) as scratch:
            AlbertForQuestionAnswering(config).save_pretrained(scratch)
            PreTrainedTokenizerFast.from_pretrained(tokenizer_folder).save_pretrained(scratch)
            export(scratch, folder)
    return folder


def measure(engine: str, job: Mapping[str, Any]) -> Result:
    """What one engine makes of a job, in a process of its own."""
    with tempfile.TemporaryDirectory() as scratch:
        path, out = Path(scratch, "job.json"), Path(scratch, "out.json")
        path.write_text(json.dumps({**job, "engine": engine, "out": str(out)}), encoding="utf-8")
        command = [sys.executable, "-m", "bench.ours"]
        if engine in ("pipeline", "optimum"):
            command = [str(peers_python()), str(ROOT / "bench" / "peers.py")]
        environment = os.environ | {"OMP_NUM_THREADS": str(job["threads"]), "HF_HUB_OFFLINE": "1"}
        subprocess.run([*command, str(path)], cwd=ROOT, env=environment, check=True)
        result: Result = json.loads(out.read_text(encoding="utf-8"))
    return result


def possible(engines: Iterable[str]) -> list[str]:
    """Those of the engines and yardsticks that this processor has the precision for."""
    return [name for name in engines if has_bf16() or not name.endswith("bf16")]


def job_of(model: Path, questions: Sequence[Question], settings: Settings) -> dict[str, Any]:
    """The job of answering questions with a model."""
    return {
        "model": str(model),
        "optimum": str(BUILD / f"optimum-{model.name}"),
        "no_answer": has_unanswerable(questions),
        "questions": [[question.id, question.question, question.context] for question in questions],
        "threads": settings.threads or len(os.sched_getaffinity(0)),
        **settings.model_dump(include=set(SIZES)),
    }


def rounds(job: Mapping[str, Any], engines: Iterable[str], count: int) -> dict[str, list[Result]]:
    """Every engine's results, by turns, so that a slow minute of the machine meets them all."""
    found: dict[str, list[Result]] = {engine: [] for engine in engines}
    for number in range(count):
        for engine, results in found.items():
            results.append(measure(engine, job))
            figures = {name: value for name, value in results[-1].items() if name not in ("answers", "lengths")}
            sys.stderr.write(f"round {number + 1} of {count}: {engine} {figures}\n")
    return found


def model_flops(config: Mapping[str, int], lengths: Sequence[int]) -> float:
    """Floating-point operations of a model's matrix products over windows of these many real tokens."""
    hidden, inner = config["hidden_size"], config["intermediate_size"]
    layers = config["num_hidden_layers"] * config.get("inner_group_num", 1)
    size = np.asarray(lengths, np.float64)
    per_token = 2 * config.get("embedding_size", hidden) * hidden + layers * (8 * hidden**2 + 4 * hidden * inner)
    return float((per_token * size + layers * 4 * hidden * size**2 + 4 * hidden * size).sum())


def speed_lines(found: Mapping[str, Sequence[Result]], job: Mapping[str, Any]) -> list[str]:
    """Questions a second, ratios, peak memory and share of the machine's peak, an engine a line, the slowest first.

    Ratios and shares are medians of those within each round.
    """
    config = json.loads((Path(job["model"]) / "config.json").read_text(encoding="utf-8"))
    work = model_flops(config, found["onnxruntime fp32"][0]["lengths"])
    peaks = {
        name.split()[1]: [max(run["flops"].values()) for run in runs] for name, runs in found.items() if name in PEAKS
    }
    seconds = {name: [run["seconds"] for run in runs] for name, runs in found.items() if name not in PEAKS}
    rows = [["", "questions/s", "x pipeline", "x optimum", "peak memory", "share of peak"]]
    for name in sorted(seconds, key=lambda name: -statistics.median(seconds[name])):
        peak = peaks["bf16" if name.endswith("bf16") else "fp32"]
        memory = statistics.median(run["peak"] for run in found[name])
        shares = [work / taken / most for taken, most in zip(seconds[name], peak, strict=True)]
        rows.append(
            [
                NAMES.get(name, name),
                f"{len(job['questions']) / statistics.median(seconds[name]):.1f}",
                *(f"{_ratio(seconds[other], seconds[name]):.2f}" for other in ("pipeline", "optimum")),
                f"{memory / 2**20:,.0f} MB",
                f"{statistics.median(shares):.0%}",
            ]
        )
    return [*table(rows), *_peak_lines(found), f"one question: {work / len(job['questions']) / 1e9:.2f} GFLOP"]


def _ratio(one: Sequence[float], other: Sequence[float]) -> float:
    return statistics.median(a / b for a, b in zip(one, other, strict=True))


def _peak_lines(found: Mapping[str, Sequence[Result]]) -> list[str]:
    """The matrix products of every library, medians over the rounds."""
    lines = []
    for name in filter(found.__contains__, PEAKS):
        libraries = found[name][0]["flops"]
        medians = {one: statistics.median(run["flops"][one] for run in found[name]) for one in libraries}
        each = ", ".join(f"{one} {value / 1e9:,.0f}" for one, value in medians.items())
        lines.append(f"matrix products in {name.split()[1]}, GFLOP/s: {each}")
    return lines


def decode_line(job: Mapping[str, Any]) -> str:
    """The decoder alone."""
    result = measure("decode", job)
    return (
        f"decoding a window: {result['ours'] * 1e6:.1f} us; a loop as in the example scripts: "
        f"{result['loop'] * 1e6:,.0f} us, {result['loop'] / result['ours']:.0f} times that"
    )


def processor() -> str:
    """The processor's own name for itself, and how many cores this process may use."""
    lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    name = next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), "processor unknown")
    return f"{name}, {len(os.sched_getaffinity(0))} cores"


def main() -> None:
    """Measures speed, memory and answers, and prints them."""
    parser = argparse.ArgumentParser(prog="python -m bench.evaluate", description=main.__doc__)
    parser.add_argument("--questions", type=int, default=200, help="at albert-base size, drawn from the test split")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--layers", type=int, default=12, help="of the albert-base; fewer for a quick try")
    parser.add_argument("--limit", type=int, help="questions for the bundled model; default: all")
    parser.add_argument("--answers", type=Path, nargs="*", default=[], help="SQuAD files on which to compare, too")
    options = parser.parse_args()
    BUILD.mkdir(parents=True, exist_ok=True)
    peers_python()
    settings = Settings.model_validate({})
    bundled = ROOT / settings.model
    test = load_file(ROOT / "data" / "test.json", warnings=[])

    print(f"{datetime.date.today()}, {processor()}; medians of {options.rounds} rounds")
    if not has_bf16():
        print(NO_BF16)
    for title, model, limit in (
        ("albert-base size", base_model(bundled, options.layers), options.questions),
        ("the bundled model", bundled, options.limit),
    ):
        job = job_of(model, draw(test, limit, settings.seed, "test"), settings)
        print(f"\nspeed, {title}, {len(job['questions'])} questions of the test split")
        print("\n".join(speed_lines(rounds(job, possible(TURNS), options.rounds), job)), flush=True)
    print(decode_line(job), flush=True)
    for path in [ROOT / "data" / "test.json", *options.answers]:
        questions = draw(load_file(path, warnings=[]), options.limit, settings.seed, "test")
        answering = [*possible(("pipeline", *OURS)), "torch bf16"]  # torch rounds to bf16 on any processor
        found = rounds(job_of(bundled, questions, settings), answering, 1)
        print(f"\nanswers of the bundled model, {path.name}, {len(questions)} questions")
        answers = {name: runs[0]["answers"] for name, runs in found.items()}
        print("\n".join(answer_lines(answers, questions)), flush=True)


if __name__ == "__main__":
    main()
