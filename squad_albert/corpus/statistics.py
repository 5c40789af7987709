"""The corpus in figures: ``data/README.md``, computed from the files and the same wherever it is computed."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from statistics import median

from project_config import Settings
from utils.question_types import TYPES, question_type
from utils.questions import Question
from utils.squad import leakage, load_file
from utils.windows import build_windows, load_tokenizer

from . import baseline
from .names import SPLITS
from .wordings import Wordings, domains

PARTS = ("gen", "wording", "hand")
"""What a question id begins with."""

Row = Sequence[str]

_HEAD = """\
# The bundled corpus

SQuAD 2.0 JSON about a fictional world: no sentence makes a claim about the real one. `python -m squad_albert.corpus`
(or `make corpus`) writes this folder, byte for byte the same on every machine; this page is computed by it, too.

A seeded generator composes most of it. It invents names, dates and figures, states facts about a topic in
shuffled order among the same facts about rivals and sentences that answer nothing, and joins them into prose
with pronouns and short references. Its sentences and questions are in `squad_albert/corpus/domains/`. Ten
articles were written by hand, in free prose (`squad_albert/corpus/articles/`); they are in validation and test only.

Every name belongs to one split, so no title, person or place of one split occurs in another. Question ids tell the
parts apart:

- `gen-`: the fact is stated and asked in wordings that training has, too;
- `wording-`: the statement or the question is in a wording that occurs in validation and test only;
- `hand-`: written by hand.

Validation and test questions have two to four golds, as several annotators would mark them, training questions
one. `unlabeled.json` has questions without answers. `fact` names what a generated question asks for.
"""

_PLANTED = """\
Some findings are hidden on purpose and listed in `planted.json`, which only tests and benchmarks read:

- `false_labels`: training answers that point to a wrong place, four in five to the answer of another question of
  the same kind, the others to the same words elsewhere in the paragraph;
- `quoted_titles`: the works stand in quotation marks in the text, and without them in the golds;
- `near_duplicates`: groups of questions that ask the same in nearly the same words;
- `hard_titles`: only unseen wordings, among many rivals.
"""

_BASELINE = """\
The nearest sentence by word overlap, and in it the first span of the type that the question word asks for
(`squad_albert/corpus/baseline.py`); official scores, without training.
"""


def write_readme(folder: Path, tokenizer: Path) -> None:
    """Writes ``README.md`` into the folder of a corpus.

    Args:
        folder: holds the corpus.
        tokenizer: the model folder whose tokenizer counts the windows.

    Raises:
        DataError: if a file of the corpus is missing or bad.
        TokenizerError: if the tokenizer is.
        OSError: if the page cannot be written.
    """
    (folder / "README.md").write_text(describe(folder, tokenizer), encoding="utf-8", newline="\n")


def describe(folder: Path, tokenizer: Path) -> str:
    """What ``write_readme`` writes; raises the same for what it reads."""
    data = {split: load_file(folder / f"{split}.json") for split in SPLITS}
    planted = json.loads((folder / "planted.json").read_text(encoding="utf-8"))
    labeled = {split: questions for split, questions in data.items() if questions[0].labeled}
    size = sum((folder / f"{split}.json").stat().st_size for split in SPLITS) / 1e6
    sections = [
        _HEAD,
        f"## Contents\n\n{_contents(data)}\n\nIn all {size:.1f} MB. "
        f"Contexts, questions or ids that two splits share: {sum(leak.count for leak in leakage(data))}.\n",
        f"## Lengths in words\n\n{_lengths(data)}\n",
        f"## Windows\n\n{_windows(data, tokenizer)}\n",
        f"## Question types\n\n{_question_types(data)}\n",
        f"## Wordings\n\n{_wordings()}\n",
        f"## What is planted\n\n{_PLANTED}\n{_planted(planted)}\n",
        f"## Baseline\n\n{_BASELINE}\n{_baseline({split: labeled[split] for split in ('validation', 'test')})}\n",
    ]
    return "\n".join(sections)


def part(question: Question) -> str:
    """Which of ``PARTS`` a question is of.

    >>> part(Question("hand-quillon-03", "Quillon", "Who won?", "Nobody won.", ()))
    'hand'
    """
    return question.id.split("-")[0]


def _contents(data: Mapping[str, Sequence[Question]]) -> str:
    rows = []
    for split, questions in data.items():
        parts = Counter(map(part, questions))
        unanswerable = sum(question.labeled and not question.golds for question in questions) / len(questions)
        rows.append(
            [split, *map(_count, (len({q.title for q in questions}), len(_contexts(questions)), len(questions)))]
            + [_count(parts[name]) for name in PARTS]
            + [_percent(unanswerable) if questions[0].labeled else "unknown"]
        )
    parts_head = [f"`{name}-`" for name in PARTS]
    return _table(["split", "articles", "paragraphs", "questions", *parts_head, "no answer"], rows)


def _lengths(data: Mapping[str, Sequence[Question]]) -> str:
    rows = []
    for split, questions in data.items():
        texts = {
            "paragraph": _contexts(questions),
            "question": [question.question for question in questions],
            "answer": [question.golds[0].text for question in questions if question.golds],
        }
        for what, found in texts.items():
            if found:
                counts = sorted(len(text.split()) for text in found)
                figures = (counts[0], median(counts), counts[len(counts) * 9 // 10], counts[-1])
                rows.append([split, what, *(f"{figure:g}" for figure in figures)])
    return _table(["split", "", "shortest", "median", "90th percentile", "longest"], rows)


def _windows(data: Mapping[str, Sequence[Question]], folder: Path) -> str:
    settings = Settings.model_validate({})  # whatever config.yaml says
    tokenizer = load_tokenizer(folder)
    rows, several, total = [], 0, 0
    for split, questions in data.items():
        windows = build_windows(questions, tokenizer, settings, cache=False)
        longer = int((windows.count[windows.first[:-1]] > 1).sum())
        several, total = several + longer, total + len(questions)
        rows.append([split, _count(len(windows)), _percent(longer / len(questions))])
    return (
        f"With the bundled tokenizer, windows of {settings.max_length} tokens that share {settings.overlap}: "
        f"{_percent(several / total)} of the questions need more than one.\n\n"
        + _table(["split", "windows", "questions with several"], rows)
    )


def _question_types(data: Mapping[str, Sequence[Question]]) -> str:
    counts = {split: Counter(question_type(q.question) for q in questions) for split, questions in data.items()}
    return _table(["", *data], [[name, *(_count(counts[split][name]) for split in data)] for name in TYPES])


def _wordings() -> str:
    facts = [fact for domain in domains() for fact in domain.facts]
    rows = [
        _row_of_wordings("statements", [fact.statements for fact in facts]),
        _row_of_wordings("questions", [fact.questions for fact in facts]),
    ]
    asides = sum(len(domain.asides) for domain in domains())
    return (
        f"{len(domains())} domains ({', '.join(domain.name for domain in domains())}), {len(facts)} facts, "
        f"{asides} sentences that answer nothing.\n\n"
        + _table(["", "wordings", "fewest for a fact", "in validation and test only"], rows)
    )


def _row_of_wordings(name: str, wordings: Sequence[Wordings]) -> list[str]:
    total = sum(len(one.texts) for one in wordings)
    unseen = sum(len(one.unseen) for one in wordings)
    return [name, _count(total), str(min(len(one.texts) for one in wordings)), _percent(unseen / total)]


def _planted(planted: Mapping[str, Sequence[object]]) -> str:
    return _table(["", "planted"], [[f"`{name}`", _count(len(found))] for name, found in planted.items()])


def _baseline(data: Mapping[str, Sequence[Question]]) -> str:
    rows = []
    groupings: list[Callable[[Question], str]] = [part, lambda question: question_type(question.question)]
    for split, questions in data.items():
        figures, groups = baseline.scores(questions, *groupings)
        rows.append([f"**{split}**", *_scores(figures)])
        rows += [
            [name, *(_scores({key: figures[f"{prefix}_{key}"] for key in ("total", "exact", "f1")}))]
            for name, prefix in (("with answer", "HasAns"), ("without answer", "NoAns"))
        ]
        for group, names in zip(groups, (PARTS, TYPES), strict=True):
            found = [name for name in names if name in group]
            rows += [[f"`{name}-`" if name in PARTS else name, *_scores(group[name])] for name in found]
    return _table(["", "questions", "EM", "F1"], rows)


def _scores(figures: Mapping[str, float]) -> list[str]:
    return [_count(int(figures["total"])), f"{figures['exact']:.1f}", f"{figures['f1']:.1f}"]


def _contexts(questions: Iterable[Question]) -> list[str]:
    return list(dict.fromkeys(question.context for question in questions))


def _count(number: int) -> str:
    return f"{number:,}"


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %"


def _table(head: Row, rows: Iterable[Row]) -> str:
    r"""A Markdown table, the first column to the left and the others to the right.

    >>> print(_table(["", "EM"], [["all", "21.0"]]))
    |  | EM |
    |---|---:|
    | all | 21.0 |
    """
    lines = [head, ["---", *["---:"] * (len(head) - 1)], *rows]
    return "\n".join(
        f"|{'|'.join(line)}|" if number == 1 else f"| {' | '.join(line)} |" for number, line in enumerate(lines)
    )
