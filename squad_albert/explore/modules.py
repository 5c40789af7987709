r"""ES modules as one script, since a page that is opened from a disk cannot import others.

Only what the project's own modules use is understood: ``import { a, b } from "./other.js";`` on a line of its own, and
``export`` before a class, a function or a constant.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

_IMPORT = re.compile(r'^import \{ ([\w, ]+) \} from "\./([\w.-]+)";$', re.MULTILINE)
_EXPORT = re.compile(r"^export ((?:async )?(?:class|function|const) (\w+))", re.MULTILINE)
_OTHER = re.compile(r"^(?:import|export)\b.*", re.MULTILINE)


def script_of(entry: str, folders: Sequence[Path]) -> str:
    """A script that does what a module does, with all that it imports.

    Args:
        entry: the module's file name.
        folders: where modules are looked for, in order.

    Raises:
        FileNotFoundError: if a module is in none of the folders.
        ValueError: if an import or export is of another form.
    """
    scripts: dict[str, str] = {}
    _add(entry, folders, scripts)
    return '(() => {\n"use strict";\nconst modules = {};\n' + "\n".join(scripts.values()) + "\n})();"


def _add(name: str, folders: Sequence[Path], scripts: dict[str, str]) -> None:
    """Adds a module behind those that it needs; each is a function, so that none sees the names of another."""
    path = next((folder / name for folder in folders if (folder / name).is_file()), folders[0] / name)
    source = path.read_text(encoding="utf-8")
    for _, needed in _IMPORT.findall(source):
        if needed not in scripts:
            _add(needed, folders, scripts)
    exports = ", ".join(exported for _, exported in _EXPORT.findall(source))
    body = _EXPORT.sub(r"\1", _IMPORT.sub(r'const { \1 } = modules["\2"];', source))
    if other := _OTHER.search(body):
        raise ValueError(f"{path}: `{other[0]}` cannot be joined into one script.")
    scripts[name] = f'modules["{name}"] = (() => {{\n{body}return {{ {exports} }};\n}})();'
