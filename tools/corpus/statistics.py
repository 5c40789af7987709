"""The corpus in figures: ``data/README.md``, computed from the files and the same wherever it is computed."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from statistics import median

from project_config import Settings
from utils.question_types import TYPES, question_type
from utils.questions import SPLITS, Question
from utils.squad import leakage, load_file
from utils.windows import build_windows, load_tokenizer

from . import baseline
from .build import KINDS

READINGS = Path(__file__).parent / "readings.jsonl"
"""What the second reading found: article, question, what was found and what was done."""

Row = Sequence[str]

_HEAD = """\
# The bundled corpus

SQuAD 2.0 JSON about an invented world: no sentence makes a claim about the real one. Every article was written, none
generated: encyclopaedia articles, news reports, biographies, manuals, travel guides, minutes, letters, lab and match
reports, recipes, legal notices and interviews, with questions as people ask them. The text is in
`tools/corpus/articles/`. `python -m tools.corpus` (or `make corpus`) makes this folder of it, byte for byte the same on
every machine, and computes this page.

A question's id begins with the kind of text. No title is in two splits. Validation and test questions have two to
four golds, as several annotators would mark them, training questions one; `unlabeled.json` has questions without
answers. The bundled model was trained on the training split, among much else, and has seen nothing of the others.
"""

_READING = """\
Every question was read a second time by a reader who had not written it. The reader first answered all questions of an
article from their paragraphs alone, without seeing the golds, then compared, and settled each difference and each
question that is unclear, ambiguous or answerable only from elsewhere. Writers and readers were language models of one
family, so they agree more often than people would. What the readings found, and what was done:
"""

_PLANTED = """\
`python -m tools.plant` hides defects in any SQuAD file; those of this folder are listed in `planted.json`, which only
tests and benchmarks read:

- `false_labels`: training answers moved to a wrong place, half of them to a value of the same kind;
- `quoted_titles`: articles whose golds lack the quotation marks around titles of songs, which those of others hold;
- `near_duplicates`: groups of questions that ask the same in nearly the same words;
- `hard_titles`: articles whose questions are full of slips of the keyboard.
"""

_BASELINE = """\
The nearest sentence by word overlap, and in it the first span of the type that the question word asks for
(`tools/corpus/baseline.py`); official scores, without training.
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
        f"## Kinds of text, questions\n\n{_kinds(data)}\n",
        f"## Question types\n\n{_question_types(data)}\n",
        f"## The second reading\n\n{_READING}\n{_readings()}\n",
        f"## What is planted\n\n{_PLANTED}\n{_planted(planted)}\n",
        f"## Baseline\n\n{_BASELINE}\n{_baseline({split: labeled[split] for split in ('validation', 'test')})}\n",
    ]
    return "\n".join(sections)


def kind(question: Question) -> str:
    """The kind of text that a question is about, as its id begins with it.

    >>> kind(Question("letter-b-surgeon-03", "Surgeon", "Who won?", "Nobody won.", ()))
    'letter'
    """
    return question.id.split("-")[0]


def _contents(data: Mapping[str, Sequence[Question]]) -> str:
    rows = []
    for split, questions in data.items():
        unanswerable = sum(question.labeled and not question.golds for question in questions) / len(questions)
        figures = (len({q.title for q in questions}), len(_contexts(questions)), len(questions))
        rows.append([split, *map(_count, figures), _percent(unanswerable) if questions[0].labeled else "unknown"])
    return _table(["split", "articles", "paragraphs", "questions", "no answer"], rows)


def _kinds(data: Mapping[str, Sequence[Question]]) -> str:
    counts = {split: Counter(map(kind, questions)) for split, questions in data.items()}
    names = {prefix: name for name, prefix in KINDS.items()}
    rows = [
        [name, f"`{prefix}-`", *(_count(counts[split][prefix]) for split in data)] for prefix, name in names.items()
    ]
    return _table(["", "ids", *data], rows)


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


def _readings() -> str:
    readings = [json.loads(line) for line in READINGS.read_text(encoding="utf-8").splitlines()]
    counts = Counter((reading["found"], reading["did"]) for reading in readings)
    rows = [[found, did, _count(number)] for (found, did), number in sorted(counts.items(), key=lambda one: -one[1])]
    return _table(["found", "done", "questions"], [*rows, ["**in all**", "", _count(len(readings))]])


def _planted(planted: Mapping[str, Sequence[object]]) -> str:
    return _table(["", "planted"], [[f"`{name}`", _count(len(found))] for name, found in planted.items()])


def _baseline(data: Mapping[str, Sequence[Question]]) -> str:
    rows = []
    groupings: list[Callable[[Question], str]] = [kind, lambda question: question_type(question.question)]
    for split, questions in data.items():
        figures, groups = baseline.scores(questions, *groupings)
        rows.append([f"**{split}**", *_scores(figures)])
        rows += [
            [name, *(_scores({key: figures[f"{prefix}_{key}"] for key in ("total", "exact", "f1")}))]
            for name, prefix in (("with answer", "HasAns"), ("without answer", "NoAns"))
        ]
        for group, names in zip(groups, (tuple(KINDS.values()), TYPES), strict=True):
            found = [name for name in names if name in group]
            rows += [[f"`{name}-`" if name in KINDS.values() else name, *_scores(group[name])] for name in found]
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
