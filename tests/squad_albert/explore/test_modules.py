from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Browser

from squad_albert.explore.modules import script_of


def write(folder: Path, **modules: str) -> Path:
    folder.mkdir(exist_ok=True)
    for name, text in modules.items():
        (folder / f"{name}.js").write_text(text + "\n", encoding="utf-8")
    return folder


def test_modules_that_need_each_other_do_together_what_they_do_apart(tmp_path: Path, browser: Browser) -> None:
    first = write(
        tmp_path / "one",
        page='import { add } from "./sums.js";\nimport { Box, SIZE } from "./box.js";\n'
        "window.made = new Box(add(1, SIZE));",
        sums="const hidden = 40;\nexport function add(a, b) { return a + b + hidden; }",
    )
    second = write(
        tmp_path / "two",
        box='import { add } from "./sums.js";\nconst hidden = 1;\nexport const SIZE = add(hidden, 0);\n'
        "export class Box { constructor(value) { this.value = value; } }",
        sums="throw new Error('the other one comes first');",
    )
    script = script_of("page.js", [first, second])
    assert script.count("function add") == 1
    page = browser.new_page()
    page.evaluate(script)
    assert page.evaluate("made.value") == 1 + (1 + 0 + 40) + 40
    assert page.evaluate("typeof hidden + typeof modules") == "undefinedundefined"


@pytest.mark.parametrize(
    "text", ['import all from "./other.js";', 'import "./other.js";', "export default 1;", "export { a };"]
)
def test_other_forms_are_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(ValueError, match=r"page\.js: `.*` cannot be joined"):
        script_of("page.js", [write(tmp_path, page=text)])


def test_a_module_that_is_not_there_is_named(tmp_path: Path) -> None:
    folder = write(tmp_path, page='import { gone } from "./gone.js";')
    with pytest.raises(FileNotFoundError, match=r"gone\.js"):
        script_of("page.js", [folder, folder])
