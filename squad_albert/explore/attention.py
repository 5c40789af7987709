"""What each layer and head attends to, over many samples: how narrowly, and whether the question finds the answer."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from model.attention import open_attention, read_attention
from model.runtime import Model
from project_config import ProjectError, Settings
from squad_albert.attend import attend, main_word
from squad_albert.run_model import run_model_folder, run_questions, run_settings
from squad_albert.run_tables import RunTables
from squad_albert.tables import counted
from squad_albert.window_words import Word, question_spans, question_words
from utils.windows import Windows, build_windows

from .attention_measures import NEAR, SHARES, Float, Parts, chances, entropy, shares
from .intervals import mean_interval
from .section import Section
from .style import quoted

SAMPLES = 200
"""Questions that are drawn; each is read in the window that its prediction came from."""

MAIN_WORDS = 10
"""Words that are kept for each head of those that answers attend to most."""

EXAMPLE_WORDS = 24
"""Context words that the example keeps, beside those of the answer."""

NAMED_WORDS = 4
NAMED_HEADS = 8
"""Heads with the same role that are named, layer.head; more are counted."""

ROLES = {
    "question_to_answer": "question to answer",
    "answer_to_question": "answer to question",
    "context_to_question": "context to question",
    "same_token": "same token elsewhere",
    "special": "special tokens",
    "previous": "previous token",
    "next": "next token",
    "itself": "the token itself",
    "before": f"{NEAR} tokens before",
    "after": f"{NEAR} tokens after",
}
"""What a head may do, by the share that shows it."""

ROLE_SHARE, ROLE_LIFT, ANSWER_SHARE = 0.2, 3.0, 0.05
"""A head does what takes this share of attention and so many times the chance; the few answer tokens need less."""

SPREAD = 0.8
"""Normalised entropy from which a head without a role is said to attend to everything."""

TITLE = "Attention"
HEAD = ["layer", "head"]
ANSWERED = ["question_to_answer_low", "question_to_answer_high", "question_to_answer_right", "question_to_answer_wrong"]
COLUMNS = {
    **dict.fromkeys(HEAD, "int64"),
    "role": "str",
    **dict.fromkeys(["samples", "answered"], "int64"),
    **dict.fromkeys(["entropy", "entropy_normalised", *SHARES], "float64"),
    **dict.fromkeys([f"{name}_chance" for name in SHARES], "float64"),
    **dict.fromkeys(ANSWERED, "float64"),
    "main_attended": "str",
    "main_attended_share": "float64",
}
MAIN_COLUMNS = {**dict.fromkeys(HEAD, "int64"), "word": "str", "samples": "int64", "share": "float64"}
EXAMPLE_COLUMNS = {
    "id": "str", **dict.fromkeys(HEAD, "int64"), "row": "int64", "query": "str", "column": "int64", "key": "str",
    "start": "int64", "end": "int64", "in_answer": "bool", "weight": "float64",
}  # fmt: skip


@dataclass(frozen=True, eq=False)
class _Sample:
    """What one window says."""

    row: int  # of the run's questions
    values: dict[str, Float]  # [layers, heads] by column of the table; NaN where there is nothing to measure
    main: list[str]  # [layers * heads] the word of the question that the answer attends to most; no answer: none
    right: float  # exact match; NaN where unlabeled


def attention(run: RunTables, settings: Settings) -> Section:
    """How every layer and head attends, over up to ``SAMPLES`` questions drawn with the seed.

    The answer is the first gold in the window, or for unlabeled questions the one that was given; samples without
    any count for all that needs none.

    Args:
        run: made with a model that is still where it was.
        settings: ``seed`` and ``threads``.

    Returns:
        ``attention``: a row a head, with the mean of ``SHARES`` and their chances; ``entropy`` in bits, and
        ``entropy_normalised`` by that of attending to all tokens alike; the 95 % interval of ``question_to_answer``,
        and its mean where the answer is right and where it is wrong; ``role``, what the head does; and
        ``main_attended``, the word of the question that the most answers attend to most.
        ``attention_main_words``: the most frequent of these words, by head.
        ``attention_example``: a right answer, question words by the context words most attended to, in every head.
    """
    if run.windows is None:
        return _empty(
            f"{run.folder} was made from predictions, without a model. Attention needs one: "
            "squad-albert evaluate --model FOLDER --out RUN"
        )
    settings = run_settings(run, settings)
    try:
        model = open_attention(run_model_folder(run, settings), settings)
    except ProjectError as error:  # the other analyses do without
        return _empty(str(error))
    draw = np.random.default_rng(settings.seed)
    rows = np.sort(draw.choice(len(run.questions), min(SAMPLES, len(run.questions)), replace=False))
    samples = list(_read(run, rows, model, settings))
    if not samples:
        return _empty(f"{run.folder} has no questions. Evaluate a split that has some.")
    table = _table(samples)
    main = _main_words(samples)
    example = _example(table, samples, run, model, settings)
    more = {"attention_main_words": main, "attention_example": example}
    facts = _facts(table)
    return Section("attention", TITLE, table, _sentences(table, main, facts), facts, more)


def role(head: pd.Series[Any]) -> str:
    """What a head does, in words: at most three things, answers first, then the larger share.

    Args:
        head: a row of the table, with ``SHARES``, their chances and ``entropy_normalised``.
    """
    found = {
        name: head[name]
        for name in ROLES
        if head[name] >= (ANSWER_SHARE if name == "question_to_answer" else ROLE_SHARE)
        and head[name] >= ROLE_LIFT * head[f"{name}_chance"]
    }
    for part, whole in (("previous", "before"), ("next", "after"), ("context_to_question", "answer_to_question")):
        if part in found:  # the whole says nothing more
            found.pop(whole, None)
    strongest = sorted(found, key=lambda name: (name != "question_to_answer", -found[name]))[:3]
    if strongest:
        return ", ".join(ROLES[name] for name in strongest)
    return "everything alike" if head["entropy_normalised"] >= SPREAD else "mixed"


def _empty(why: str) -> Section:
    more = {"attention_main_words": _frame([], MAIN_COLUMNS), "attention_example": _frame([], EXAMPLE_COLUMNS)}
    return Section("attention", TITLE, _frame([], COLUMNS), [], {}, more, why)


def _frame(rows: Sequence[dict[str, Any]], columns: dict[str, str]) -> pd.DataFrame:
    """A table that has its columns and their types even without a row."""
    return pd.DataFrame(rows, columns=list(columns)).astype(columns)


def _read(run: RunTables, rows: NDArray[np.int64], model: Model, settings: Settings) -> Iterator[_Sample]:
    assert run.windows is not None
    questions = run_questions(run, rows)
    windows = build_windows(questions, model.tokenizer, settings, cache=False)
    asked = run.questions.iloc[rows]
    spans = question_spans(questions, model.tokenizer)
    index = run.windows["index"].to_numpy()[asked["window"].astype(int)]
    for number, (row, question, right) in enumerate(zip(rows.tolist(), questions, asked["exact"], strict=True)):
        window = int(windows.first[number] + index[number])
        answer = _answer(windows, window, question.labeled, asked.iloc[number])
        parts = Parts(
            slice(int(windows.question_start[window]), int(windows.question_end[window])),
            slice(int(windows.context_start[window]), int(windows.context_end[window])),
            answer,
        )
        weights, _ = read_attention(model, windows, window)
        ids = windows.input_ids[window, : weights.shape[-1]]
        bits = entropy(weights)
        values = {"entropy": bits, "entropy_normalised": bits / np.log2(len(ids)), **shares(weights, ids, parts)}
        even = {f"{name}_chance": np.full_like(bits, value) for name, value in chances(ids, parts).items()}
        main = _main(weights, question_words(question, spans[number], windows, window), answer) if answer else []
        yield _Sample(row, values | even, main, float(right))


def _answer(windows: Windows, window: int, labeled: bool, given: Any) -> slice | None:
    """The tokens of the gold answer, or of the given one where nobody has labeled the question."""
    if labeled:
        return slice(int(windows.start[window]), int(windows.end[window]) + 1) if windows.holds_answer[window] else None
    spans = windows.offsets[window]
    touched = np.flatnonzero((spans[:, 1] > given["prediction_start"]) & (spans[:, 0] < given["prediction_end"]))
    return slice(int(touched[0]), int(touched[-1]) + 1) if given["prediction"] and len(touched) else None


def _main(weights: Float, words: Sequence[Word], answer: slice) -> list[str]:
    first, stop = words[0].first, words[-1].stop
    to_tokens = weights[..., answer, first:stop].mean(axis=-2)
    to_words = np.add.reduceat(to_tokens, [word.first - first for word in words], axis=-1)
    return [words[main_word(head, words)].text.lower() for head in to_words.reshape(-1, len(words))]


def _table(samples: Sequence[_Sample]) -> pd.DataFrame:
    stacked = {name: np.array([sample.values[name] for sample in samples]) for name in samples[0].values}
    right = np.array([sample.right for sample in samples])
    main = _main_words(samples).drop_duplicates(HEAD).set_index(HEAD)
    rows = []
    for layer, head in np.ndindex(stacked["entropy"].shape[1:]):
        values = {name: array[:, layer, head].astype(np.float64) for name, array in stacked.items()}
        found = values["question_to_answer"]
        answered = ~np.isnan(found)
        low, high = mean_interval(found[answered], low=0.0, high=1.0) if answered.sum() > 1 else (np.nan, np.nan)
        row: dict[str, Any] = {"layer": layer + 1, "head": head + 1}
        row |= {"samples": len(samples), "answered": answered.sum()}
        row |= {name: _mean(value) for name, value in values.items()}
        row |= {"question_to_answer_low": low, "question_to_answer_high": high}
        row |= {
            f"question_to_answer_{name}": _mean(found[answered & (right == exact)])
            for name, exact in (("right", 1), ("wrong", 0))
        }
        most = main.loc[(layer + 1, head + 1)] if answered.any() else {"word": "", "share": np.nan}
        row |= {"main_attended": most["word"], "main_attended_share": most["share"]}
        rows.append(row | {"role": role(pd.Series(row))})
    return _frame(rows, COLUMNS)


def _main_words(samples: Sequence[_Sample]) -> pd.DataFrame:
    answered = [sample.main for sample in samples if sample.main]
    rows = []
    for number, (layer, head) in enumerate(np.ndindex(samples[0].values["entropy"].shape)):
        counts = Counter(main[number] for main in answered)
        for word, count in sorted(counts.items(), key=lambda item: (-item[1], item[0]))[:MAIN_WORDS]:
            share = count / len(answered)
            rows.append({"layer": layer + 1, "head": head + 1, "word": word, "samples": count, "share": share})
    return _frame(rows, MAIN_COLUMNS)


def _mean(values: NDArray[np.float64]) -> float:
    """The mean of what is there, NaN where nothing is."""
    there = values[~np.isnan(values)]
    return float(there.mean()) if len(there) else np.nan


def _example(
    table: pd.DataFrame, samples: Sequence[_Sample], run: RunTables, model: Model, settings: Settings
) -> pd.DataFrame:
    """The right answer that is the median by attention from question to answer, in the head where that is strongest."""
    right = [sample for sample in samples if sample.right == 1 and sample.main]
    if not right:
        return _frame([], EXAMPLE_COLUMNS)
    best = table["question_to_answer"].idxmax()
    layer, head = (int(table.loc[best, name]) - 1 for name in HEAD)
    right.sort(key=lambda sample: float(sample.values["question_to_answer"][layer, head]))
    [question] = run_questions(run, [right[len(right) // 2].row])
    attended = attend(model, question, settings)
    keys = attended.top_context_words(attended.mean([layer], [head]), EXAMPLE_WORDS)
    rows = [
        {
            "id": question.id, "layer": at + 1, "head": which + 1,
            "row": row, "query": attended.words[row].text, "column": key, "key": attended.words[key].text,
            "start": attended.words[key].start, "end": attended.words[key].end,
            "in_answer": key in attended.answer_words, "weight": attended.word_weights[at, which, row, key],
        }
        for at, which in np.ndindex(attended.layers, attended.heads)
        for row in attended.question_words
        for key in keys
    ]  # fmt: skip
    return _frame(rows, EXAMPLE_COLUMNS)


def _facts(table: pd.DataFrame) -> dict[str, float | str | int]:
    facts: dict[str, float | str | int] = {
        "samples": int(table["samples"].iloc[0]),
        "answered": int(table["answered"].iloc[0]),
        "layers": int(table["layer"].max()),
        "heads": int(table["head"].max()),
        "entropy_normalised": float(table["entropy_normalised"].mean()),
    }
    if not facts["answered"]:
        return facts
    for layer, mean in table.groupby("layer")["question_to_answer"].mean().items():
        facts[f"question_to_answer_layer_{layer}"] = float(mean)
    best = table.loc[table["question_to_answer"].idxmax()]
    names = ["question_to_answer", "question_to_answer_chance", *ANSWERED]
    facts |= {"best_layer": int(best["layer"]), "best_head": int(best["head"]), "best_role": str(best["role"])}
    return facts | {name: float(best[name]) for name in names}


def _sentences(table: pd.DataFrame, main: pd.DataFrame, facts: dict[str, Any]) -> list[str]:
    narrow, wide = (table.loc[found] for found in _extremes(table["entropy_normalised"]))
    return [
        f"Read: {counted(facts['samples'], 'question')}, drawn with the seed, in {counted(facts['layers'], 'layer')} "
        f"of {counted(facts['heads'], 'head')}; with an answer in the window: {facts['answered']:,}.",
        *_answer_sentences(table, main, facts),
        f"The narrowest head is {_name(narrow)}, with {narrow['entropy_normalised']:.0%} of the entropy of attending "
        f"to all tokens alike, the widest {_name(wide)}, with {wide['entropy_normalised']:.0%}.",
        f"What heads do, as layer.head: {'; '.join(_roles(table))}.",
    ]


def _answer_sentences(table: pd.DataFrame, main: pd.DataFrame, facts: dict[str, Any]) -> list[str]:
    if not facts["answered"]:
        return ["As no question has an answer in its window, nothing is said about attention to answers."]
    layers = ", ".join(
        f"{facts[f'question_to_answer_layer_{layer}']:.1%} in layer {layer}" for layer in range(1, facts["layers"] + 1)
    )
    share, chance = facts["question_to_answer"], facts["question_to_answer_chance"]
    best = (
        f"Most is in {_name(table.loc[table['question_to_answer'].idxmax()])}: {share:.1%} "
        f"({facts['question_to_answer_low']:.1%} to {facts['question_to_answer_high']:.1%}), {share / chance:.1f} "
        "times the chance"
    )
    right, wrong = facts["question_to_answer_right"], facts["question_to_answer_wrong"]
    if not np.isnan(right) and not np.isnan(wrong):
        best += f"; the right answer gets {right:.1%} where the model gives it, and {wrong:.1%} where it does not"
    back = table.loc[table["answer_to_question"].idxmax()]
    words = main[(main["layer"] == back["layer"]) & (main["head"] == back["head"])]["word"].iloc[:NAMED_WORDS]
    return [
        f"Of the attention of question tokens, the answer gets on average over heads {layers}; all tokens alike would "
        f"give it {chance:.1%}.",
        f"{best}.",
        f"In the other direction {_name(back)} is the strongest: answers give {back['answer_to_question']:.1%} "
        f"of their attention to the question, marks apart most often to {', '.join(quoted(word) for word in words)}.",
    ]


def _extremes(values: pd.Series[float]) -> tuple[Any, Any]:
    return values.idxmin(), values.idxmax()


def _name(head: Any) -> str:
    return f"head {head['head']} of layer {head['layer']}"


def _roles(table: pd.DataFrame) -> list[str]:
    """Each role with its heads as layer.head, the most frequent first; many heads are counted only."""
    named = [
        (str(name), [f"{head.layer}.{head.head}" for head in heads.itertuples()])
        for name, heads in table.groupby("role", sort=False)
    ]
    named.sort(key=lambda entry: -len(entry[1]))
    return [
        f"{name} ({', '.join(heads) if len(heads) <= NAMED_HEADS else f'{len(heads)} heads'})" for name, heads in named
    ]
