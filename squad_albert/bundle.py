"""The bundle that ``leap push`` would upload, made here and tried out as the platform would.

Only the files that ``leap.yaml`` includes exist on the platform, and only what ``requirements.txt``
brings can be imported. Both are tried in an empty folder, by a process that sees nothing else, so
that a forgotten file or distribution is found before the push.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tarfile
import tempfile
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from project_config import ENVIRONMENT_PREFIX, ROOT, ProjectError, read_yaml

KEYS = ("projectId", "secretId", "branch", "entryFile", "include", "exclude", "pythonVersion")
"""The keys of ``leap.yaml`` that the leap CLI knows; it drops others when it rewrites the file."""

REQUIREMENTS = "requirements.txt"
CONFIG = "config.yaml"
LARGE_MB = 200
_PROCESS = Path(__file__).with_name("bundle_process.py")
_TIMEOUT_S = 600
_SKIPPED_FOLDERS = {".git", ".venv"}  # too many files to match one by one
_TOKEN = re.compile(r"(?P<cross>(?<![^/])\*\*(?:/|$))|\*+|\[[!^]?\]?[^\]]*\]|\\.|.")  # of a glob


class BundleError(ProjectError):
    """The bundle cannot be made."""


@dataclass(frozen=True)
class LeapYaml:
    """What ``leap.yaml`` says about the bundle."""

    entry: str
    include: tuple[str, ...]
    exclude: tuple[str, ...] = ()

    def takes(self, path: str) -> bool:
        """Whether a file, by its path from the root with `/`, is in the bundle."""
        if path == self.entry:
            return True
        included = any(glob_matches(pattern, path) for pattern in self.include)
        return included and not any(glob_matches(pattern, path) for pattern in self.exclude)


@dataclass
class BundleResult:
    """What came of the bundle in its own process."""

    files: list[str]
    bytes: int
    sizes: dict[str, int] = field(default_factory=dict)  # samples of each split
    distributions: list[str] = field(default_factory=list)  # imported, with versions
    problems: list[str] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        """Whether the bundle would work on the platform."""
        return not self.problems

    def as_dict(self) -> dict[str, Any]:
        """The result for JSON."""
        return {"ok": self.ok} | asdict(self)


def read_leap_yaml(root: Path = ROOT) -> LeapYaml:
    """What ``leap.yaml`` in ``root`` says.

    Raises:
        BundleError: if it is missing, has an unknown key or a mistyped value, or no entry file.
        SettingsError: if it is not YAML.
    """
    path = root / "leap.yaml"
    if not path.is_file():
        raise BundleError(f"{path} does not exist. Restore it: it names the entry file and the files to push.")
    values = read_yaml(path)
    unknown = sorted(values.keys() - set(KEYS))
    if unknown:
        raise BundleError(f"{path}: unknown key `{unknown[0]}`. The leap CLI knows {', '.join(KEYS)}.")
    entry = values.get("entryFile")
    if not isinstance(entry, str) or not (root / entry).is_file():
        raise BundleError(f"{path}: entryFile {entry!r} is not a file. Name the binder, as `leap_binder.py`.")
    for key in ("include", "exclude"):
        globs = values.get(key) or []
        if not isinstance(globs, list) or not all(isinstance(glob, str) for glob in globs):
            raise BundleError(f"{path}: `{key}` must be a list of globs, not {globs!r}.")
    return LeapYaml(entry, tuple(values.get("include") or ()), tuple(values.get("exclude") or ()))


def glob_matches(pattern: str, path: str) -> bool:
    """Whether a doublestar glob matches a whole path: ``**`` crosses folders, ``*`` does not.

    Example:
        >>> glob_matches("utils/**", "utils/a/b.py"), glob_matches("utils", "utils/a.py")
        (True, False)
        >>> glob_matches("data/*.{json,parquet}", "data/train.json"), glob_matches("*.json", "data/train.json")
        (True, False)
    """
    return _expression(pattern).fullmatch(path) is not None


@cache
def _expression(pattern: str) -> re.Pattern[str]:
    parts: list[str] = []
    depth = 0
    for match in _TOKEN.finditer(pattern.removeprefix("./")):
        token = match[0]
        if match["cross"]:
            parts.append("(?:[^/]+/)*" if token == "**/" else ".*")
        elif token[0] == "*":
            parts.append("[^/]*")
        elif token == "?":
            parts.append("[^/]")
        elif token[0] == "[" and len(token) > 1:
            parts.append(token.replace("[!", "[^", 1))
        elif token in "{}":
            depth += 1 if token == "{" else -1
            parts.append("(?:" if token == "{" else ")")
        else:
            parts.append("|" if token == "," and depth else re.escape(token[-1]))
    if depth:
        raise BundleError(f"leap.yaml: the glob {pattern!r} has an unmatched brace. Close it.")
    return re.compile("".join(parts))


def bundle_files(root: Path = ROOT) -> list[str]:
    """The files of the bundle, as paths from ``root`` with `/`, sorted.

    Raises:
        BundleError: if ``leap.yaml`` is not in order, or a glob of its includes no file.
    """
    leap = read_leap_yaml(root)
    present = list(_files(root))
    idle = [glob for glob in leap.include if not any(glob_matches(glob, path) for path in present)]
    if idle:
        raise BundleError(
            f"{root / 'leap.yaml'} includes `{idle[0]}`, which no file matches. Make the file, or mend the glob "
            "(a folder is written `folder/**`)."
        )
    return sorted(path for path in present if leap.takes(path))


def _files(root: Path) -> Iterator[str]:
    for folder, folders, names in os.walk(root):
        folders[:] = sorted(set(folders) - _SKIPPED_FOLDERS)
        here = Path(folder).relative_to(root)
        yield from ((here / name).as_posix() for name in names)


def pack(root: Path, archive: Path) -> list[str]:
    """Writes the bundle as a gzipped tar and returns its files.

    Raises:
        BundleError: as ``bundle_files``.
    """
    files = bundle_files(root)
    with tarfile.open(archive, "w:gz") as tar:
        for file in files:
            tar.add(root / file, file)
    return files


def check_bundle(root: Path = ROOT) -> BundleResult:
    """Packs the bundle, unpacks it in an empty folder and runs the engine's check there, as the platform would.

    Raises:
        BundleError: if the bundle cannot be made, or its process ends without a result.
    """
    entry = read_leap_yaml(root).entry
    with tempfile.TemporaryDirectory(prefix="squad-albert-bundle-") as temporary:
        archive, folder, scratch = (Path(temporary).resolve() / name for name in ("bundle.tar.gz", "bundle", "scratch"))
        scratch.mkdir()
        result = BundleResult(pack(root, archive), archive.stat().st_size)
        with tarfile.open(archive) as tar:
            tar.extractall(folder, filter="data")
        result.problems += _file_problems(root, result.files)
        if REQUIREMENTS not in result.files:
            return result
        required, wrong = required_distributions(folder / REQUIREMENTS)
        result.problems += wrong
        owners = metadata.packages_distributions()
        ours = {file.split("/")[0].removesuffix(".py") for file in result.files}
        absent = {name: who[0] for name, who in owners.items() if name not in ours and not required & _names(who)}
        answer = _run(folder, scratch, {"root": str(root.resolve()), "entry": entry, "absent": absent})
    used = required & _names(owner for module in answer["imported"] for owner in owners.get(module, ()))
    result.distributions = [f"{name} {_version(name)}" for name in sorted(used)]
    result.sizes = answer["sizes"]
    result.problems += answer["problems"]
    return result


def _names(distributions: Iterable[str]) -> set[str]:
    return {canonicalize_name(name) for name in distributions}


def _file_problems(root: Path, files: Iterable[str]) -> list[str]:
    problems = []
    if REQUIREMENTS not in files:
        problems.append(f"{REQUIREMENTS} is not in the bundle: the platform would install nothing. Include it.")
    if CONFIG not in files:
        problems.append(f"{CONFIG} is not in the bundle: the platform would take every setting's default. Include it.")
    elif str(root.resolve()) in (root / CONFIG).read_text(encoding="utf-8"):
        problems.append(
            f"{CONFIG} names {root.resolve()}, which the platform does not have. Write paths from there on."
        )
    problems += [
        f"{file} is in the bundle: a model is pushed apart, with `leap push -m {file}`. Exclude it in leap.yaml."
        for file in files
        if file.endswith((".onnx", ".safetensors", ".h5", ".keras"))
    ]
    megabytes = sum((root / file).stat().st_size for file in files) / 1e6
    if megabytes > LARGE_MB:
        problems.append(
            f"The bundle holds {megabytes:.0f} MB of files, over {LARGE_MB}: read large data from a data volume "
            "(`data` in config.yaml) instead of including it."
        )
    return problems


def required_distributions(requirements: Path) -> tuple[set[str], list[str]]:
    """The canonical names of all distributions that a requirements file brings, and what is wrong with it.

    What a required distribution itself requires comes with it, as the installed metadata say.

    Raises:
        BundleError: if a line is not a requirement.
    """
    lines = [line.split("#", 1)[0].strip() for line in requirements.read_text(encoding="utf-8").splitlines()]
    try:
        wanted = [Requirement(line) for line in lines if line]
    except InvalidRequirement as error:
        raise BundleError(f"{REQUIREMENTS}: {str(error).splitlines()[0]}. Write one `name~=version` a line.") from error
    problems = []
    for requirement in wanted:
        version = _version(requirement.name)
        if version is None:
            problems.append(f"{REQUIREMENTS} names {requirement.name}, which is not installed here, so it is untried.")
        elif not requirement.specifier.contains(version, prereleases=True):
            problems.append(f"{REQUIREMENTS} wants {requirement}, but {version} is installed here. Make them agree.")
    return _closure(wanted), problems


def _closure(wanted: Iterable[Requirement]) -> set[str]:
    """The wanted distributions, with all that they require."""
    found: set[tuple[str, str]] = set()  # name and extra
    queue = deque(wanted)
    while queue:
        requirement = queue.popleft()
        name = canonicalize_name(requirement.name)
        if _version(name) is None:
            continue
        for extra in ("", *requirement.extras):
            if (name, extra) in found:
                continue
            found.add((name, extra))
            needs = [Requirement(line) for line in metadata.requires(name) or ()]
            queue += [need for need in needs if need.marker is None or need.marker.evaluate({"extra": extra})]
    return {name for name, _ in found}


def _version(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def _run(folder: Path, scratch: Path, question: Mapping[str, Any]) -> dict[str, Any]:
    """What the bundle's process answers; it starts in the bundle's folder and knows the platform's variables only."""
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith((ENVIRONMENT_PREFIX, "PYTHON"))
    }
    environment |= {
        "IS_TENSORLEAP_PLATFORM": "true",
        "TL_DISABLE_ANALYTICS": "1",
        "PYTHONDONTWRITEBYTECODE": "1",
        "TMPDIR": str(scratch),  # nothing that an earlier run cached is found
    }
    answer = scratch / "answer.json"
    command = [sys.executable, "-P", str(_PROCESS), str(folder), str(answer), json.dumps(question)]
    try:
        done = subprocess.run(
            command, cwd=folder, env=environment, capture_output=True, text=True, timeout=_TIMEOUT_S, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise BundleError(
            f"The bundle's check took longer than {_TIMEOUT_S} s. Try a smaller `train_limit` in config.yaml."
        ) from error
    if not answer.is_file():
        raise BundleError(
            f"The bundle's process ended with {done.returncode}, without a result:\n{done.stderr[-2000:]}"
        )
    result: dict[str, Any] = json.loads(answer.read_text(encoding="utf-8"))
    return result
