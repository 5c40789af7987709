"""How many answers change though nothing that matters did: ``python -m bench.robustness``.

Every question is asked twice, once as it stands and once with a typing error in the question, with a contraction in it
or spelt out, or with a sentence of another article at the end of its text. An answer is changed if its text differs by
more than case, articles and punctuation. The three are those of CheckList's suite for SQuAD (Ribeiro et al., 2020,
*Beyond Accuracy*) that must not change an answer.
"""

from __future__ import annotations

import argparse
import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from random import Random

from model.runtime import Model
from project_config import Settings, load_settings
from squad_albert.explore.intervals import wilson
from squad_albert.predict import answers
from squad_albert.tables import table
from utils.questions import Question
from utils.samples import model_folder
from utils.squad import draw, load_data
from utils.squad_metrics import normalize_answer
from utils.words import sentence_spans

MOST_CHANGED = 0.15
"""What is asked of the mean of the three."""

CONTRACTIONS = (
    ("What is", "What's"), ("Who is", "Who's"), ("Where is", "Where's"), ("How is", "How's"), ("When is", "When's"),
    ("What are", "What're"), ("did not", "didn't"), ("does not", "doesn't"), ("do not", "don't"), ("was not", "wasn't"),
    ("were not", "weren't"), ("could not", "couldn't"), ("would not", "wouldn't"), ("What did", "What'd"),
    ("Who did", "Who'd"), ("How did", "How'd"), ("Where did", "Where'd"), ("Why did", "Why'd"),
)  # fmt: skip
BATCH = 16

Perturbation = Callable[[Question, Random], Question | None]


def typo(question: Question, random: Random) -> Question | None:
    """Two neighbouring letters of the question change places.

    >>> typo(Question("q", "T", "Who saw?", "Ann saw.", ()), Random(1)).question
    'Who swa?'
    """
    text = question.question
    places = [match.start() for match in re.finditer(r"(?=([a-z])(?!\1)[a-z])", text)]
    if not places:
        return None
    at = random.choice(places)
    return replace(question, question=text[:at] + text[at + 1] + text[at] + text[at + 2 :])


def contraction(question: Question, _: Random) -> Question | None:
    """A contraction for the words that it stands for, or the words for the contraction.

    >>> contraction(Question("q", "T", "What is it?", "A mill.", ()), Random(1)).question
    "What's it?"
    """
    for long, short in CONTRACTIONS:
        for old, new in ((short, long), (long, short)):
            found = re.search(rf"\b{re.escape(old)}\b", question.question)
            if found:
                text = question.question[: found.start()] + new + question.question[found.end() :]
                return replace(question, question=text)
    return None


def distraction(questions: Sequence[Question]) -> Perturbation:
    """A sentence of another article, put at the end of the text."""
    sentences = [
        (question.title, question.context[start:end].strip())
        for question in {question.context: question for question in questions}.values()
        for start, end in sentence_spans(question.context)
    ]

    def perturb(question: Question, random: Random) -> Question | None:
        others = [sentence for title, sentence in sentences if title != question.title]
        return replace(question, context=f"{question.context} {random.choice(others)}") if others else None

    return perturb


def ask(questions: Sequence[Question], model: Model, settings: Settings) -> list[str]:
    """The normalised answers."""
    given = []
    for at in range(0, len(questions), BATCH):
        some = [(question.question, question.context, 1) for question in questions[at : at + BATCH]]
        given += [normalize_answer(found["answer"]) for found in answers(some, model, settings)]
    return given


def main() -> None:
    """Asks questions of the test split, or of a file, as they stand and perturbed."""
    parser = argparse.ArgumentParser(prog="python -m bench.robustness", description=main.__doc__)
    parser.add_argument("--model", type=Path, help="folder of an exported model; default: that of config.yaml")
    parser.add_argument("--data", help="a file of SQuAD JSON; default: the bundled test split")
    parser.add_argument("--limit", type=int, default=300, help="questions, at most")
    options = parser.parse_args()
    settings = load_settings(overrides={"model": options.model and str(options.model), "data": options.data})
    data = load_data(settings)
    questions = draw(data.get("test") or next(iter(data.values())), options.limit, settings.seed)
    model = Model(model_folder(settings), settings)
    before = dict(zip((one.id for one in questions), ask(questions, model, settings), strict=True))
    rows, shares = [["", "questions", "answers changed", "95 % interval"]], []
    ways: dict[str, Perturbation] = {
        "typing error": typo, "contraction": contraction, "distracting sentence": distraction(questions)
    }  # fmt: skip
    for name, way in ways.items():
        random = Random(f"{settings.seed} {name}")
        perturbed = [found for question in questions if (found := way(question, random))]
        changed = sum(
            before[one.id] != answer for one, answer in zip(perturbed, ask(perturbed, model, settings), strict=True)
        )
        shares.append(changed / max(1, len(perturbed)))
        low, high = wilson(changed, max(1, len(perturbed)))
        rows.append([name, str(len(perturbed)), f"{shares[-1]:.1%}", f"{low:.1%} to {high:.1%}"])
    mean = sum(shares) / len(shares)
    rows.append(["mean", "", f"{mean:.1%}", f"<= {MOST_CHANGED:.0%}: {'yes' if mean <= MOST_CHANGED else 'no'}"])
    print("\n".join(table(rows)))


if __name__ == "__main__":
    main()
