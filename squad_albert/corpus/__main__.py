"""``python -m squad_albert.corpus [--out data] [--training-text FOLDER --kind long --questions N]``."""

from __future__ import annotations

import argparse
from pathlib import Path

from project_config import ROOT, ProjectError

from .build import TRAINING_TEXTS, write_corpus, write_training_text
from .statistics import write_readme


def main(arguments: list[str] | None = None) -> None:
    """Writes the bundled corpus and the page about it, or a larger training text."""
    parser = argparse.ArgumentParser(prog="python -m squad_albert.corpus", description=main.__doc__)
    parser.add_argument("--out", type=Path, default=ROOT / "data", help="folder of the bundled corpus")
    parser.add_argument("--seed", type=int, default=7, help="another seed gives another corpus of the same kind")
    parser.add_argument(
        "--tokenizer", type=Path, default=ROOT / "model" / "albert", help="model folder whose tokenizer counts windows"
    )
    parser.add_argument("--training-text", type=Path, help="write a larger training split into this folder instead")
    parser.add_argument("--kind", choices=list(TRAINING_TEXTS), default="easy", help="paragraphs of that text")
    parser.add_argument("--questions", type=int, default=250_000, help="questions in the larger training split")
    parser.add_argument("--chosen-by", type=int, default=600, help="questions to choose checkpoints by")
    options = parser.parse_args(arguments)
    if options.training_text:
        write_training_text(options.training_text, options.kind, options.questions, options.chosen_by)
        return
    write_corpus(options.out, options.seed)
    try:
        write_readme(options.out, options.tokenizer)
    except ProjectError as error:
        parser.exit(2, f"The corpus is in {options.out}, but README.md could not be written. {error}\n")


if __name__ == "__main__":
    main()
