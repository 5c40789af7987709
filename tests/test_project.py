"""What packaging promises: the same versions everywhere, a light base, poetry's commands, no name clashes, arrows."""

from __future__ import annotations

import ast
import importlib.metadata
import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

from project_config import ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
RUNTIMES = {"onnxruntime", "torch", "transformers", "tensorflow"}
HEAVY = {"torch", "tensorflow", "keras", "keras-hub", "transformers", "accelerate"}


def constraints() -> dict[str, str]:
    """The pinned versions that hold for the running Python and machine, by canonical name."""
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    requirements = [Requirement(line) for line in lines]
    here = [r for r in requirements if r.marker is None or r.marker.evaluate()]
    return {canonicalize_name(r.name): str(r.specifier).removeprefix("==") for r in here}


def run_poetry(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Poetry on the environment that runs this test, as a user in the checkout would call it."""
    poetry = Path(sys.executable).with_name("poetry")
    if not poetry.exists() and "CI" not in os.environ:
        pytest.skip("poetry is not in this environment; `make test` installs it")
    environment = {key: value for key, value in os.environ.items() if key != "VIRTUAL_ENV"}
    if Path(sys.prefix) != ROOT / ".venv":  # .venv is found by its name, any other has to be named
        environment["VIRTUAL_ENV"] = sys.prefix
    command = [poetry, "--no-interaction", "--no-ansi", *arguments]
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)


def test_constraints_name_no_address() -> None:
    text = (ROOT / "constraints.txt").read_text(encoding="utf-8")
    assert not re.search(r"://|@|^-", text, re.MULTILINE)


def test_constraints_satisfy_every_requirement_of_the_project() -> None:
    pinned = constraints()
    extras = PROJECT["optional-dependencies"].values()
    requirements = [Requirement(line) for group in [PROJECT["dependencies"], *extras] for line in group]
    unmet = [str(r) for r in requirements if not r.specifier.contains(pinned.get(canonicalize_name(r.name), "0"))]
    assert not unmet, f"run `make constraints`: {unmet}"


def test_the_platform_installs_versions_that_are_tested_here() -> None:
    lines = (ROOT / "requirements.txt").read_text(encoding="utf-8").splitlines()
    requirements = [Requirement(line) for line in lines if line and not line.startswith("#")]
    assert requirements
    pinned = constraints()
    base = {canonicalize_name(Requirement(line).name) for line in PROJECT["dependencies"]}
    assert {canonicalize_name(r.name) for r in requirements} <= base
    assert not [str(r) for r in requirements if not r.specifier.contains(pinned[canonicalize_name(r.name)])]


def base_distributions() -> set[str]:
    """Every distribution that the base needs, by walking what is installed."""
    waiting = [Requirement(line) for line in PROJECT["dependencies"]]
    seen: set[tuple[str, str]] = set()
    while waiting:
        requirement = waiting.pop()
        for extra in ["", *requirement.extras]:
            key = (canonicalize_name(requirement.name), extra)
            if key in seen:
                continue
            seen.add(key)
            for line in importlib.metadata.requires(requirement.name) or []:
                needed = Requirement(line)
                if needed.marker is None or needed.marker.evaluate({"extra": extra}):
                    waiting.append(needed)
    return {name for name, _ in seen}


def test_base_brings_no_training_framework() -> None:
    base = base_distributions()
    assert "onnxruntime" in base
    assert not base & HEAVY


def test_demo_installs_no_torch() -> None:
    make = shutil.which("make")
    assert make, "make is how the project is built and tested"
    environment = {key: value for key, value in os.environ.items() if not key.startswith("MAKE")}
    command = [make, "--dry-run", "--always-make", f"PYTHON={sys.executable}"]
    plans = {
        target: subprocess.run(
            [*command, target], cwd=ROOT, env=environment, capture_output=True, text=True, check=True
        ).stdout
        for target in ("demo", "test")
    }
    assert "torch" in plans["test"]
    assert "torch" not in plans["demo"]
    assert "tensorflow" not in plans["demo"]


def test_poetry_finds_the_project_valid() -> None:
    result = run_poetry("check")
    assert result.returncode == 0, result.stdout + result.stderr


def test_poetry_uses_the_environment_that_make_made() -> None:
    result = run_poetry("env", "info", "--path")
    assert Path(result.stdout.strip()) == Path(sys.prefix), result.stderr


def test_poetry_runs_the_integration_test() -> None:
    result = run_poetry("run", "test")
    assert result.returncode == 0, result.stdout + result.stderr


def test_poetry_lists_the_commands() -> None:
    result = run_poetry("run", "squad-albert", "--help")
    assert result.returncode == 0, result.stdout + result.stderr
    for command in ("check", "evaluate", "score", "predict", "train", "export"):
        assert re.search(rf"\b{command}\b", result.stdout), f"{command} is missing:\n{result.stdout}"


def top_level_names() -> set[str]:
    """The modules and packages that the root of the checkout offers for import."""
    packages = {folder.parent.name for folder in ROOT.glob("*/__init__.py")}
    return packages | {module.stem for module in ROOT.glob("*.py")}


def test_no_distribution_takes_one_of_our_names() -> None:
    # The engine appends the bundle to sys.path, so an installed package of the same name would win.
    names = top_level_names()
    assert {"utils", "model", "squad_albert", "leap_binder", "project_config"} <= names
    installed = importlib.metadata.packages_distributions()
    taken = {name: installed[name] for name in names if set(installed.get(name, [])) - {"squad-albert"}}
    assert not taken


def test_folders_with_code_are_packages() -> None:
    ours = [folder for folder in ROOT.iterdir() if folder.is_dir() and not folder.name.startswith(".")]
    folders = {path.parent for folder in ours if folder.name != "build" for path in folder.rglob("*.py")}
    assert folders
    assert not [str(folder) for folder in folders if not (folder / "__init__.py").exists()]


def imported(path: Path, *, at_module_level: bool = False) -> Iterator[str]:
    """The dotted names that a file imports; relative imports and imports for type checkers alone are left out."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    checked = [n for n in ast.walk(tree) if isinstance(n, ast.If) and "TYPE_CHECKING" in ast.unparse(n.test)]
    for_types = {id(node) for block in checked for node in ast.walk(block)}
    for node in tree.body if at_module_level else ast.walk(tree):
        if id(node) in for_types:
            continue
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            yield node.module


def imported_tops(pattern: str, *, at_module_level: bool = False) -> dict[str, set[str]]:
    """For each file, the first part of every name that it imports."""
    paths = sorted(ROOT.glob(pattern))
    assert paths, pattern
    return {
        str(path.relative_to(ROOT)): {name.split(".")[0] for name in imported(path, at_module_level=at_module_level)}
        for path in paths
    }


@pytest.mark.parametrize(
    ("pattern", "forbidden"),
    [
        ("project_config.py", {"utils", "model", "squad_albert", "leap_binder"}),
        (
            "utils/**/*.py",
            {"model", "squad_albert", "leap_binder", "onnxruntime", "torch", "transformers", "tensorflow"},
        ),
        ("model/**/*.py", {"squad_albert", "leap_binder"}),
        ("leap_binder.py", {"model", "squad_albert", *(RUNTIMES - {"onnxruntime"})}),
    ],
)
def test_arrows_go_one_way(pattern: str, forbidden: set[str]) -> None:
    wrong = {path: sorted(tops & forbidden) for path, tops in imported_tops(pattern).items() if tops & forbidden}
    assert not wrong


@pytest.mark.parametrize("pattern", ["leap_binder.py", "utils/**/*.py"])
def test_nothing_heavy_is_imported_at_module_level(pattern: str) -> None:
    heavy = {"onnxruntime", "datasets", "pyarrow", "pandas", "torch", "tensorflow", "transformers", "matplotlib"}
    found = imported_tops(pattern, at_module_level=True)
    assert not {path: sorted(tops & heavy) for path, tops in found.items() if tops & heavy}


def test_workflow_tries_every_python_that_the_project_allows() -> None:
    workflow = yaml.safe_load((ROOT / ".github/workflows/test.yml").read_text(encoding="utf-8"))
    job = workflow["jobs"]["test"]
    allowed = SpecifierSet(PROJECT["requires-python"])
    assert job["strategy"]["matrix"]["python"] == [v for v in (f"3.{minor}" for minor in range(30)) if v in allowed]
    assert {"run": ".ci/run"} in job["steps"]


def test_changelog_begins_with_the_version() -> None:
    headings = re.findall(r"^## (\S+)", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert headings[0] == PROJECT["version"]
