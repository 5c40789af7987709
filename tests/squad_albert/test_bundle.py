from __future__ import annotations

import shutil
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest
from tokenizers import Tokenizer

from project_config import ROOT, SettingsError
from squad_albert.bundle import (
    BundleError,
    LeapYaml,
    bundle_files,
    check_bundle,
    glob_matches,
    pack,
    read_leap_yaml,
    required_distributions,
)
from tests.leap_project import write_data
from tests.tiny_model import write_config
from utils.squad import Question

FILES = ("leap_binder.py", "project_config.py", "config.yaml", "requirements.txt", "leap.yaml")


@pytest.fixture
def checkout(tmp_path: Path, questions: list[Question], tokenizer: Tokenizer) -> Path:
    """A checkout of its own, with small data and the tests' tokenizer."""
    root = tmp_path / "checkout"
    shutil.copytree(ROOT / "utils", root / "utils")
    for name in FILES:
        shutil.copy(ROOT / name, root)
    write_data(root / "data", questions)
    (root / "data" / "planted.json").write_text("{}")
    write_config(root / "model" / "albert", tokenizer)
    (root / "model" / "albert" / "model.onnx").write_bytes(b"weights")
    return root


@pytest.mark.parametrize(
    ("pattern", "path", "expected"),
    [
        ("leap_binder.py", "leap_binder.py", True),
        ("leap_binder.py", "old/leap_binder.py", False),
        ("utils/**", "utils/a.py", True),
        ("utils/**", "utils/deep/er/a.py", True),
        ("utils/**", "utilities/a.py", False),
        ("utils", "utils/a.py", False),  # a bare folder name matches no file
        ("utils/", "utils/a.py", False),
        ("utils/*", "utils/deep/a.py", False),
        ("utils/*.py", "utils/a.py", True),
        ("utils/*.py", "utils/a.pyc", False),
        ("**/*.py", "a.py", True),
        ("**/*.py", "deep/er/a.py", True),
        ("**/__pycache__/**", "utils/__pycache__/a.pyc", True),
        ("**/__pycache__/**", "__pycache__/a.pyc", True),
        ("a/**/b.py", "a/b.py", True),
        ("a/**/b.py", "a/c/d/b.py", True),
        ("a/**/b.py", "a/cb.py", False),
        ("a**.py", "abc.py", True),  # not a whole part of the path: like *
        ("a**.py", "a/b.py", False),
        ("data/?est.json", "data/test.json", True),
        ("data/?est.json", "data//est.json", False),
        ("data/[a-t]*.json", "data/train.json", True),
        ("data/[!a-t]*.json", "data/train.json", False),
        ("data/[^a-t]*.json", "data/validation.json", True),
        ("data/{train,test}.json", "data/test.json", True),
        ("data/{train,test}.json", "data/validation.json", False),
        ("a.b", "axb", False),
        ("a,b", "a,b", True),
        (r"a\*b", "a*b", True),
        (r"a\*b", "axb", False),
        ("./config.yaml", "config.yaml", True),
        ("*", ".gitignore", True),
    ],
)
def test_globs_mean_what_doublestar_means(pattern: str, path: str, expected: bool) -> None:
    assert glob_matches(pattern, path) is expected


def test_glob_with_an_open_brace_is_refused() -> None:
    with pytest.raises(BundleError, match="unmatched brace"):
        glob_matches("data/{train,test", "data/train")


def test_exclusion_wins_but_not_over_the_entry_file() -> None:
    leap = LeapYaml("leap_binder.py", ("**",), ("data/**", "leap_binder.py"))
    assert leap.takes("utils/a.py") and leap.takes("leap_binder.py")
    assert not leap.takes("data/train.json")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (None, "leap.yaml does not exist. Restore it"),
        ("entryFile: leap_binder.py\nincludes: []\n", "unknown key `includes`. The leap CLI knows projectId,"),
        ("include: ['**']\n", "entryFile None is not a file"),
        ("entryFile: binder.py\n", "entryFile 'binder.py' is not a file. Name the binder"),
        ("entryFile: leap_binder.py\ninclude: utils\n", "`include` must be a list of globs, not 'utils'"),
        ("entryFile: leap_binder.py\nexclude: [1]\n", r"`exclude` must be a list of globs, not \[1\]"),
    ],
)
def test_leap_yaml_that_is_not_in_order(text: str | None, message: str, tmp_path: Path) -> None:
    (tmp_path / "leap_binder.py").touch()
    if text is not None:
        (tmp_path / "leap.yaml").write_text(text)
    with pytest.raises(BundleError, match=message):
        read_leap_yaml(tmp_path)


def test_leap_yaml_that_is_not_yaml(tmp_path: Path) -> None:
    (tmp_path / "leap.yaml").write_text("a: [")
    with pytest.raises(SettingsError, match="cannot be read as YAML"):
        read_leap_yaml(tmp_path)


def test_glob_that_matches_nothing_is_told(checkout: Path) -> None:
    shutil.rmtree(checkout / "model" / "albert")
    with pytest.raises(BundleError, match=r"includes `model/albert/tokenizer\.json`, which no file matches"):
        bundle_files(checkout)


def test_files_of_the_bundle(checkout: Path) -> None:
    (checkout / "utils" / "__pycache__").mkdir(exist_ok=True)
    (checkout / "utils" / "__pycache__" / "a.pyc").touch()
    (checkout / "notes.md").touch()
    files = bundle_files(checkout)
    modules = {f"utils/{path.name}" for path in (ROOT / "utils").glob("*.py")}
    assert modules < set(files)
    assert set(files) - modules == {
        "leap_binder.py",
        "project_config.py",
        "config.yaml",
        "requirements.txt",
        "data/train.json",
        "data/validation.json",
        "data/test.json",
        "data/unlabeled.json",
        "model/albert/tokenizer.json",
        "model/albert/config.json",
    }


def test_packed_files_are_the_bundle(checkout: Path, tmp_path: Path) -> None:
    files = pack(checkout, tmp_path / "bundle.tar.gz")
    with tarfile.open(tmp_path / "bundle.tar.gz") as tar:
        assert tar.getnames() == files == bundle_files(checkout)


def test_required_distributions_come_with_theirs(tmp_path: Path) -> None:
    path = tmp_path / "requirements.txt"
    path.write_text("# what is needed\n\npydantic~=2.0  # settings\nnumpy>=1\n")
    required, problems = required_distributions(path)
    assert {"pydantic", "pydantic-core", "typing-extensions", "numpy"} <= required
    assert "pytest" not in required and problems == []


def test_requirements_that_are_not_what_is_installed(tmp_path: Path) -> None:
    path = tmp_path / "requirements.txt"
    path.write_text("numpy~=1.0\nno-such-thing-at-all\n")
    assert required_distributions(path)[1] == [
        f"requirements.txt wants numpy~=1.0, but {__import__('numpy').__version__} is installed here. Make them agree.",
        "requirements.txt names no-such-thing-at-all, which is not installed here, so it is untried.",
    ]
    path.write_text("numpy = 2\n")
    with pytest.raises(BundleError, match=r"requirements\.txt: .*Write one `name~=version` a line"):
        required_distributions(path)


def test_sound_bundle_works_alone(checkout: Path) -> None:
    result = check_bundle(checkout)
    assert result.problems == []
    assert result.files == bundle_files(checkout)
    used = {entry.split()[0] for entry in result.distributions}
    assert {"code-loader", "numpy", "pydantic", "tokenizers", "textblob"} <= used
    assert "pytest" not in used
    assert list(result.sizes) == ["training", "validation", "test", "unlabeled"]
    assert result.sizes["training"] > result.sizes["test"] > 0
    assert result.as_dict()["ok"] is True


def forget_module(root: Path) -> None:
    change(root / "leap.yaml", "exclude:\n", "exclude:\n  - utils/words.py\n")


def read_outside(root: Path) -> None:
    change(root / "config.yaml", "data: sample", f"data: {root / 'data'}")


def forget_requirement(root: Path) -> None:
    change(root / "requirements.txt", "textblob~=0.19\n", "")


def import_unrequired(root: Path) -> None:
    first = "from __future__ import annotations\n"
    change(root / "utils" / "words.py", first, first + "import hypothesis\n")


def import_outside(root: Path) -> None:
    (root / "extra.py").touch()
    line = f"import sys\nsys.path.insert(0, {str(root)!r})\nimport extra\n"
    change(root / "leap_binder.py", "from functools import cache\n", f"from functools import cache\n{line}")


def change(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


@pytest.mark.parametrize(
    ("spoil", "messages"),
    [
        (forget_module, ["No module named 'utils.words'"]),
        (read_outside, ["train.json was read, outside the bundle. Include it in leap.yaml"]),
        (forget_requirement, ["`textblob` was asked for, and requirements.txt does not bring it. Add textblob."]),
        (import_unrequired, ["No module named 'hypothesis'", "does not bring it. Add hypothesis."]),
        (import_outside, ["the module extra was taken from", "outside the bundle. Include it in leap.yaml."]),
    ],
)
def test_what_a_push_would_break_is_found(spoil: Callable[[Path], None], messages: list[str], checkout: Path) -> None:
    spoil(checkout)
    result = check_bundle(checkout)
    assert not result.ok
    for message in messages:
        assert any(message in problem for problem in result.problems), result.problems


def test_settings_that_the_platform_would_not_have_are_told(checkout: Path) -> None:
    change(checkout / "config.yaml", "model: model/albert", f"model: {checkout / 'model' / 'albert'}")
    assert check_bundle(checkout).problems == [
        f"config.yaml names {checkout}, which the platform does not have. Write paths from there on."
    ]
    change(checkout / "leap.yaml", "  - config.yaml\n", "")
    assert check_bundle(checkout).problems == [
        "config.yaml is not in the bundle: the platform would take every setting's default. Include it."
    ]


def test_model_in_the_bundle_and_no_requirements_are_told(checkout: Path) -> None:
    change(checkout / "leap.yaml", "  - model/albert/tokenizer.json\n", "  - model/albert/*\n")
    change(checkout / "leap.yaml", "  - requirements.txt\n", "")
    assert check_bundle(checkout).problems == [
        "requirements.txt is not in the bundle: the platform would install nothing. Include it.",
        "model/albert/model.onnx is in the bundle: a model is pushed apart, with `leap push -m "
        "model/albert/model.onnx`. Exclude it in leap.yaml.",
    ]


def test_bundle_of_this_checkout() -> None:
    files = bundle_files()
    assert {"leap_binder.py", "utils/windows.py", "data/train.json", "model/albert/tokenizer.json"} <= set(files)
    assert not [file for file in files if file.endswith(".onnx") or "planted" in file or "__pycache__" in file]
