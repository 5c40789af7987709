"""What encoding costs: one sample through the engine's loader, a whole split, and importing the entry file.

``make encode`` runs it. A sample is fetched by ``LeapLoader.get_sample`` with all inputs, ground truth and
metadata, once with our handlers and once with the same handlers returning constants, by turns in one run, so
that the ratio says what our code adds to the engine's own cost.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from project_config import ROOT, load_settings

from .scale import repeated, squad

MOST_TIMES_CONSTANTS = 1.3
MOST_PREPARING_S = 10.0
MOST_IMPORT_S = 1.5
ROUNDS = 7
IMPORTS = 5
HEAVY = ("tensorflow", "torch", "transformers")

_IMPORT = f"""
import sys, time
began = time.perf_counter()
import leap_binder
print(time.perf_counter() - began, *(name for name in {HEAVY!r} if name in sys.modules))
"""


def import_seconds() -> tuple[float, set[str]]:
    """The median time to import ``leap_binder`` in a new process, and what it imports that it should not."""
    lines = [
        subprocess.run([sys.executable, "-c", _IMPORT], cwd=ROOT, capture_output=True, text=True, check=True).stdout
        for _ in range(IMPORTS)
    ]
    parts = [line.split() for line in lines]
    return statistics.median(float(first) for first, *_ in parts), {name for _, *rest in parts for name in rest}


def preparing_seconds(count: int) -> tuple[float, float]:
    """Seconds to read, check, tokenise and cache ``count`` questions, and to do it again from the cache."""
    from utils.samples import load_samples

    with tempfile.TemporaryDirectory() as scratch:
        data = Path(scratch, "train.json")
        data.write_text(json.dumps(squad(repeated(count))), encoding="utf-8")
        settings = load_settings(overrides={"data": str(data), "cache": str(Path(scratch, "cache"))})
        times = []
        for _ in range(2):
            began = time.perf_counter()
            samples = load_samples(settings)
            times.append(time.perf_counter() - began)
            assert sum(len(part.split.questions) for part in samples.values()) == count
    return times[0], times[1]


def sample_microseconds(count: int) -> dict[str, float]:
    """Microseconds a sample: at the first visit, later, and with constants."""
    from code_loader.contract.enums import DataStateEnum
    from code_loader.leaploader import LeapLoader

    loader = LeapLoader(code_path=str(ROOT), code_entry_name="leap_binder.py")
    state = DataStateEnum.validation
    ids = loader.get_preprocess_sample_ids()[state][: count + 1]
    first, *rest = ids
    loader.get_sample(state, first)  # the loader's own preparations, and the imports that wait for the first sample

    def visit() -> float:
        began = time.process_time()  # of one thread, whatever else the machine does
        for sample_id in rest:
            loader.get_sample(state, sample_id)
        return (time.process_time() - began) / len(rest) * 1e6

    figures = {"first": visit()}
    ours, constant = [], []
    for _ in range(ROUNDS):
        ours.append(visit())
        with constants(loader, state, first):
            constant.append(visit())
    return figures | {"later": statistics.median(ours), "constants": statistics.median(constant)}


@contextmanager
def constants(loader: Any, state: Any, sample_id: str) -> Iterator[None]:
    """While it lasts, every input, ground truth and metadata handler returns what it gives for one sample."""
    from code_loader.inner_leap_binder import global_leap_binder

    setup = global_leap_binder.setup_container
    handlers = [*setup.inputs, *setup.ground_truths, *setup.metadata]
    functions = [handler.function for handler in handlers]
    preprocess = global_leap_binder.get_preprocess_result()[state]
    try:
        for handler, function in zip(handlers, functions, strict=True):
            handler.function = _constant(function(sample_id, preprocess))
        yield
    finally:
        for handler, function in zip(handlers, functions, strict=True):
            handler.function = function


def _constant(value: Any) -> Callable[[str, Any], Any]:
    return lambda sample_id, preprocess: value


def table(rows: Sequence[tuple[str, str, str]]) -> str:
    """Rows of what was measured, the figure and its target, aligned."""
    widths = [max(len(row[column]) for row in rows) for column in range(3)]
    return "\n".join(f"{what:<{widths[0]}}  {figure:>{widths[1]}}  {aim}".rstrip() for what, figure, aim in rows)


def main() -> None:
    """Measures all three and prints them beside their targets."""
    parser = argparse.ArgumentParser(prog="python -m bench.encode", description=main.__doc__)
    parser.add_argument("--questions", type=int, default=10_000, help="questions to prepare")
    parser.add_argument("--samples", type=int, default=1_000, help="samples to fetch, several times each")
    options = parser.parse_args()
    os.environ["TL_DISABLE_ANALYTICS"] = "1"

    import_time, heavy = import_seconds()
    sample = sample_microseconds(options.samples)
    prepared, again = preparing_seconds(options.questions)
    rows = [
        ("one sample, constants", f"{sample['constants']:.0f} us", ""),
        ("one sample", f"{sample['later']:.0f} us", ""),
        ("  times constants", f"{sample['later'] / sample['constants']:.2f}", f"<= {MOST_TIMES_CONSTANTS}"),
        ("  at its first visit", f"{sample['first']:.0f} us", "(metadata of its context and question are computed)"),
        (f"preparing {options.questions:,} questions", f"{prepared:.1f} s", f"<= {MOST_PREPARING_S:.0f} s"),
        ("  again, from the cache", f"{again:.1f} s", ""),
        ("importing leap_binder", f"{import_time:.2f} s", f"< {MOST_IMPORT_S} s"),
        ("  brings " + ", ".join(HEAVY), ", ".join(sorted(heavy)) or "none", "none"),
    ]
    print(table(rows))


if __name__ == "__main__":
    main()
