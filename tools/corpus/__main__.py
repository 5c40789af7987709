"""``python -m tools.corpus``."""

from __future__ import annotations

import argparse
from pathlib import Path

from project_config import ROOT, ProjectError

from .build import write_corpus
from .statistics import write_readme


def main(arguments: list[str] | None = None) -> None:
    """Writes the bundled corpus and the page about it."""
    parser = argparse.ArgumentParser(prog="python -m tools.corpus", description=main.__doc__)
    parser.add_argument("--out", type=Path, default=ROOT / "data", help="folder of the bundled corpus")
    parser.add_argument("--seed", type=int, default=7, help="another seed plants the defects elsewhere")
    parser.add_argument(
        "--tokenizer", type=Path, default=ROOT / "model" / "albert", help="model folder whose tokenizer counts windows"
    )
    options = parser.parse_args(arguments)
    write_corpus(options.out, options.seed)
    try:
        write_readme(options.out, options.tokenizer)
    except ProjectError as error:
        parser.exit(2, f"The corpus is in {options.out}, but README.md could not be written. {error}\n")


if __name__ == "__main__":
    main()
