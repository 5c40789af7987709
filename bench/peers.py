"""What users have: the question-answering pipeline of transformers 4.57, with torch or with optimum's ONNX Runtime.

Runs in an environment of its own, which has nothing of this project: ``python peers.py JOB`` reads a JSON file of
``engine`` ("pipeline" or "optimum"), ``model`` (the folder of a checkpoint), ``optimum`` (a folder for optimum's
export), ``threads``, ``no_answer``, ``questions`` (id, question, context), the window settings, and ``out``, to which
it writes ``seconds``, ``peak`` (bytes) and ``answers`` by id.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any

WARM_UP = 3  # questions


def peak_memory() -> float:
    """The most memory that this process has had, in bytes; getrusage would begin with what its parent had."""
    lines = Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
    return next(float(line.split()[1]) for line in lines if line.startswith("VmHWM:")) * 1024


def load(job: dict[str, Any]) -> Any:
    """The pipeline that a job asks for."""
    import torch
    import transformers

    torch.set_num_threads(job["threads"])
    tokenizer = transformers.PreTrainedTokenizerFast.from_pretrained(job["model"])
    if job["engine"] == "pipeline":
        model = transformers.AutoModelForQuestionAnswering.from_pretrained(job["model"])
        return transformers.pipeline("question-answering", model=model, tokenizer=tokenizer, device="cpu")

    import onnxruntime
    from optimum.onnxruntime import ORTModelForQuestionAnswering, pipeline

    if not (Path(job["optimum"]) / "model.onnx").is_file():
        ORTModelForQuestionAnswering.from_pretrained(job["model"], export=True).save_pretrained(job["optimum"])
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = job["threads"]
    model = ORTModelForQuestionAnswering.from_pretrained(job["optimum"], session_options=options)
    return pipeline("question-answering", model=model, tokenizer=tokenizer)


def answer(pipe: Any, job: dict[str, Any], asked: list[list[str]]) -> dict[str, dict[str, Any]]:
    """The answers by id: text and characters."""
    answers = {}
    for key, question, context in asked:
        found = pipe(
            question=question,
            context=context,
            handle_impossible_answer=job["no_answer"],
            max_answer_len=job["max_answer_tokens"],
            max_seq_len=job["max_length"],
            doc_stride=job["overlap"],
            align_to_words=False,  # it would stretch answers over the punctuation beside them
        )
        text = found["answer"]
        start = found["start"] + len(text) - len(text.lstrip())
        answers[key] = {"text": text.strip(), "start": start, "end": start + len(text.strip())}
    return answers


def main() -> None:
    """Answers the questions of a job."""
    job = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    pipe = load(job)
    answer(pipe, job, job["questions"][:WARM_UP])
    began = time.perf_counter()
    answers = answer(pipe, job, job["questions"])
    seconds = time.perf_counter() - began
    result = {"seconds": seconds, "peak": peak_memory(), "answers": answers}
    Path(job["out"]).write_text(json.dumps(result, ensure_ascii=False), encoding="utf-8")


if __name__ == "__main__":
    main()
