"""The process in which a bundle is tried out: it sees the bundle and what requirements.txt brings, nothing else.

Run as a script by ``bundle.py``, as ``bundle_process.py FOLDER ANSWER QUESTION``. It must not import
anything of the project, which is the point: what the bundle lacks must be missed here too.
"""

from __future__ import annotations

import json
import os
import site
import sys
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path
from typing import Any

_AUDITED = {"open", "os.listdir", "os.scandir"}


class OnlyRequired(PathFinder):
    """Finds modules as usual, except the top-level names that ``requirements.txt`` does not bring.

    They are not found, just as on the platform, so that what another distribution uses only where
    it is installed does no harm.
    """

    absent: dict[str, str] = {}  # noqa: RUF012 - filled once for the process; the import system wants a class
    missed: set[str] = set()  # noqa: RUF012

    @classmethod
    def find_spec(cls, fullname: str, path: Any = None, target: Any = None) -> ModuleSpec | None:
        """The spec of a module, or None."""
        if path is None and fullname in cls.absent:
            cls.missed.add(fullname)
            return None
        return super().find_spec(fullname, path, target)


def main() -> None:
    """Runs the engine's check on the bundle in ``FOLDER`` and leaves what it found in ``ANSWER``."""
    folder, answer, question = sys.argv[1:]
    options = json.loads(question)
    root = options["root"]
    before = set(sys.modules)
    sys.path[:] = [entry for entry in sys.path if entry and _is_installed(os.path.realpath(entry))]
    OnlyRequired.absent = options["absent"]
    sys.meta_path[sys.meta_path.index(PathFinder)] = OnlyRequired
    opened: set[str] = set()
    sys.addaudithook(lambda event, arguments: opened.add(str(arguments[0])) if event in _AUDITED else None)

    problems, sizes = engine_check(folder, options["entry"])
    if problems:
        problems += [
            f"`{name}` was asked for, and requirements.txt does not bring it. Add {options['absent'][name]}."
            for name in sorted(OnlyRequired.missed)
        ]
    problems += foreign(root, set(sys.modules) - before, opened)
    imported = sorted({name.partition(".")[0] for name in set(sys.modules) - before})
    found = {"problems": problems, "sizes": sizes, "imported": imported}
    Path(answer).write_text(json.dumps(found), encoding="utf-8")


def engine_check(folder: str, entry: str) -> tuple[list[str], dict[str, int]]:
    """What the engine's own check says against the bundle, and how many samples each split has, if it is sound."""
    from code_loader import LeapLoader

    loader = LeapLoader(code_path=folder, code_entry_name=entry)
    result = loader.check_dataset()
    problems = [str(result.general_error)] if result.general_error else []
    for payload in result.payloads:
        if not payload.is_passed:
            problems += [f"{payload.name}, {where}: {text}" for where, text in payload.display.items()]
    if not result.is_valid and not problems:
        problems.append(f"the engine's check fails without a reason. It printed: {result.print_log}")
    sizes = {} if problems else {state.name: len(ids) for state, ids in loader.get_preprocess_sample_ids().items()}
    return problems, sizes


def foreign(root: str, modules: set[str], opened: set[str]) -> list[str]:
    """The modules and files that came from the checkout instead of the bundle."""
    problems = []
    for name in sorted(modules - {"__mp_main__"}):  # multiprocessing's second name for this very script
        file = getattr(sys.modules[name], "__file__", None)
        if file and _is_foreign(file, root):
            problems.append(f"the module {name} was taken from {file}, outside the bundle. Include it in leap.yaml.")
    for path in sorted(opened):
        if _is_foreign(path, root) and not path.endswith((".py", ".pyc")):
            problems.append(f"{path} was read, outside the bundle. Include it in leap.yaml, or name it relatively.")
    return problems


def _is_foreign(path: str, root: str) -> bool:
    """Whether a path lies in the checkout, its virtual environment aside."""
    real = os.path.realpath(path)
    return real.startswith(root + os.sep) and not _is_installed(real)


def _is_installed(real: str) -> bool:
    """Whether a path belongs to Python or to what was installed for it; an editable checkout does not."""
    places = (sys.prefix, sys.base_prefix, site.getusersitepackages())
    return any(real == place or real.startswith(place + os.sep) for place in map(os.path.realpath, places))


if __name__ == "__main__":
    main()
