"""The README says what is true: its commands run and print what it shows, its tables are those of the code.

``python -m tests.test_readme`` writes the tables that are made from the code into it; with ``--run`` it also runs the
commands, and writes what they print and find.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

import pytest
from pydantic import BaseModel
from pydantic_core import PydanticUndefined

from model.training_settings import TrainingSettings
from project_config import ROOT, Settings
from tests.findings import findings
from utils.metadata import ANSWER_TYPES, CONTEXT_TYPES, QUESTION_TYPES, WINDOW_TYPES
from utils.metrics import HIGHER_IS_BETTER

README = ROOT / "README.md"
RUN = "runs/demo"
"""What `make demo` makes; the README tells its findings."""
TABLES = {"settings": Settings, "training settings": TrainingSettings}
METADATA = {"question": QUESTION_TYPES, "answer": ANSWER_TYPES, "context": CONTEXT_TYPES, "window": WINDOW_TYPES}


def part(name: str) -> str:
    """What stands between the comments that begin and end a part of the README."""
    found = re.search(rf"<!-- {name} -->\n(.*?)<!-- /{name} -->", README.read_text(encoding="utf-8"), re.S)
    assert found, f"README.md has no part `{name}`"
    return found[1].strip()


def rows(name: str) -> list[list[str]]:
    """The cells of a part's table, without its head."""
    lines = [line for line in part(name).splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines[2:]]


def settings_table(model: type[BaseModel], prefix: str = "") -> str:
    """The Markdown table of a model's fields."""
    head = [] if prefix else ["| setting | default | meaning |", "|---|---|---|"]
    return "\n".join([*head, *_setting_rows(model, prefix)])


def _setting_rows(model: type[BaseModel], prefix: str) -> list[str]:
    found = []
    for name, field in model.model_fields.items():
        if isinstance(field.default, BaseModel):
            found += _setting_rows(type(field.default), f"{prefix}{name}.")
            continue
        shared = Settings.model_fields.get(name)
        meaning = field.description or (shared.description if shared else None) or ""
        choices = get_args(field.annotation) if get_origin(field.annotation) is Literal else ()
        values = ", ".join(f"`{choice}`" for choice in choices)
        found.append(f"| `{prefix}{name}` | {_default(field.default)} | {'; '.join(filter(None, [values, meaning]))} |")
    return found


def _default(value: Any) -> str:
    if value is PydanticUndefined:
        return "must be given"
    return f"`{value if isinstance(value, str) else json.dumps(value)}`"


@pytest.mark.parametrize("name", TABLES)
def test_settings_are_those_of_the_code(name: str) -> None:
    assert part(name) == settings_table(TABLES[name]), "run `python -m tests.test_readme`"
    assert not [row[0] for row in rows(name) if not row[2]], "a field of the settings has no description"


def test_metrics_are_those_of_the_code() -> None:
    described = {row[0].strip("`"): row[1] for row in rows("metrics")}
    assert described == {name: "higher" if higher else "lower" for name, higher in HIGHER_IS_BETTER.items()}


def test_metadata_are_those_of_the_code() -> None:
    described = {row[0].strip("`"): row[1] for row in rows("metadata")}
    fields = [(f"{group}_{name}", kind) for group, types in METADATA.items() for name, kind in types.items()]
    assert described == {name: kind.__name__ for name, kind in fields}


def test_messages_in_troubleshooting_are_those_of_the_code() -> None:
    sources = [path for folder in ("utils", "model", "squad_albert") for path in (ROOT / folder).rglob("*.py")]
    sources += [*ROOT.glob("*.py"), ROOT / "Makefile"]
    code = "\n".join(path.read_text(encoding="utf-8") for path in sources)
    code = re.sub(r'"\s*\n\s*f?"', "", code)  # messages go over several lines
    messages = [row[0].strip("`").strip() for row in rows("troubleshooting")]
    assert len(messages) > 8
    missing = [text for text in messages for piece in text.split("…") if piece.strip() not in code]
    assert not missing


def commands() -> list[str]:
    """The blocks of commands that a test can run, in order."""
    found = re.findall(r"^```sh( skip=\S+)?\n(.*?)^```$", README.read_text(encoding="utf-8"), re.S | re.M)
    assert [block for skipped, block in found if skipped]
    return [block for skipped, block in found if not skipped]


def run_commands(checkout: Path) -> dict[str, str]:
    """What each block of commands prints, run in order in a copy of the checkout, with this environment as .venv."""
    ignored = shutil.ignore_patterns(".git", ".venv", "build", "runs", "__pycache__", ".*_cache", ".hypothesis")
    shutil.copytree(ROOT, checkout, ignore=ignored)
    (checkout / ".venv").symlink_to(sys.prefix)
    environment = {key: value for key, value in os.environ.items() if not key.startswith(("MAKE", "MFLAGS", "SQUAD_"))}
    environment |= {
        "PATH": f"{Path(sys.prefix) / 'bin'}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": str(checkout),
        "HF_HUB_OFFLINE": "1",
    }
    printed = {}
    for block in commands():
        command = ["bash", "-eu", "-o", "pipefail", "-c", block]
        done = subprocess.run(command, cwd=checkout, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"{block}\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
        printed[block] = done.stdout
    return printed


def shown_outputs(printed: Mapping[str, str]) -> dict[str, str]:
    """What is printed by the blocks whose output the README shows, by the name of that part."""
    names = re.findall(r"<!-- (prints: .*) -->", README.read_text(encoding="utf-8"))
    beginnings = {name: name.removeprefix("prints: ") for name in names if not name.startswith("/")}
    return {
        name: next(output for block, output in printed.items() if block.startswith(beginning))
        for name, beginning in beginnings.items()
    }


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("readme") / "squad-albert"


@pytest.fixture(scope="module")
def outputs(checkout: Path) -> Mapping[str, str]:
    """What each block of commands prints."""
    if not list(Path(sys.prefix).glob(".test-*")) and "CI" not in os.environ:
        pytest.skip("this environment was not made by `make test`")
    return run_commands(checkout)


def test_every_command_runs(outputs: Mapping[str, str]) -> None:
    assert len(outputs) == len(commands())


def masked(text: str) -> list[str]:
    """Lines without what may differ between machines: numbers, examples, the width of columns, and clusters.

    Of clusters, which the last digit of a vector may join or part, it is left that there are some.
    """
    text = re.sub(r"-?\d+(?:[.,]\d+)*(?:e[-+]?\d+)?", "0", text)
    text = re.sub(r"^( *(?:High-loss c|C)luster 0): .*(?:\n\1: .*)*", r"\1", text, flags=re.M)
    text = re.sub(r"\((?:(?:high-loss )?cluster 0(?:, )?)+\)", "(clusters)", text)
    lines = [" ".join(re.sub(r", as ['\"].*['\"]", "", line).split()) for line in text.splitlines()]
    return [line for line in lines if line and not line.startswith("```")]


def test_what_is_masked_is_what_machines_differ_in() -> None:
    here = "2 clusters:\n  Cluster 3: 31 questions.\n  Cluster 1: 7.\nthe reason (cluster 3, high-loss cluster 1)."
    there = "1 clusters:\n  Cluster 8: 9 questions.\nthe reason (cluster 8)."
    assert masked(here) == masked(there) == ["0 clusters:", "Cluster 0", "the reason (clusters)."]
    assert masked("  Cluster 3: 31 questions.") != masked("  High-loss cluster 3: 31 questions.")
    assert masked("a b") != masked("a c")


def test_commands_print_what_is_shown(outputs: Mapping[str, str]) -> None:
    shown = shown_outputs(outputs)
    assert len(shown) >= 2
    for name, output in shown.items():
        assert masked(part(name)) == masked(output), "run `python -m tests.test_readme --run`"


def test_findings_are_those_of_the_run(checkout: Path, outputs: Mapping[str, str]) -> None:
    words = [" ".join(masked(text)).split() for text in (part("findings"), findings(checkout / RUN))]
    assert words[0] == words[1], "run `make images`"


def test_pictures_and_links_lead_somewhere() -> None:
    targets = re.findall(r"\]\(([^)#]+)\)", README.read_text(encoding="utf-8"))
    local = [target for target in targets if "://" not in target]
    assert [target for target in local if target.endswith(".png")]
    assert not [target for target in local if not (ROOT / target).exists()]


def main() -> None:
    """Writes what is made from the code, and with ``--run`` what the commands print."""
    parts = {name: settings_table(model) for name, model in TABLES.items()}
    if "--run" in sys.argv:
        with tempfile.TemporaryDirectory() as scratch:
            checkout = Path(scratch, "squad-albert")
            printed = shown_outputs(run_commands(checkout))
            parts |= {name: f"```text\n{output.strip()}\n```" for name, output in printed.items()}
            parts["findings"] = findings(checkout / RUN)
    text = README.read_text(encoding="utf-8")
    for name, content in parts.items():
        begin, end = f"<!-- {name} -->\n", f"<!-- /{name} -->"
        before, rest = text.split(begin)
        text = before + begin + content + "\n" + end + rest.split(end)[1]
    README.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
