"""What is promised of the bundled corpus, counted in the bundled files."""

from __future__ import annotations

import json
import re
from collections import Counter
from itertools import combinations
from pathlib import Path
from statistics import median
from typing import Any

import pytest

from project_config import ROOT, Settings
from squad_albert.corpus import build, names, values
from squad_albert.corpus.build import FALSE_LABEL_SHARE, Builder, hand_written, write_training_text
from squad_albert.corpus.names import ADJECTIVES, NOUNS, SPLITS
from squad_albert.corpus.wordings import Wordings, domains
from utils.question_types import TYPES, question_type
from utils.squad import Gold, Question, load_data, load_file
from utils.squad_metrics import normalize_answer
from utils.words import words

DATA = ROOT / "data"
FILES = ("train.json", "validation.json", "test.json", "unlabeled.json", "planted.json")
LABELED = ("train", "validation", "test")
Corpus = dict[str, list[Question]]
Kinds = {f"{domain.name}.{fact.name}": fact.value["kind"] for domain in domains() for fact in domain.facts}


@pytest.fixture(scope="module")
def planted() -> dict[str, Any]:
    found: dict[str, Any] = json.loads((DATA / "planted.json").read_text(encoding="utf-8"))
    return found


@pytest.fixture(scope="module")
def true_golds() -> dict[str, Gold]:
    """The first golds of the training split as they are when no false label is planted."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(build, "_plant_false_labels", lambda *_: None)
        articles = build.build_corpus()[0]["train"]
    questions = (qa for article in articles for paragraph in article["paragraphs"] for qa in paragraph["qas"])
    return {qa["id"]: Gold(a["text"], a["answer_start"]) for qa in questions for a in qa["answers"]}


def parts(questions: list[Question]) -> set[str]:
    return {question.id.split("-")[0] for question in questions}


def contexts(questions: list[Question]) -> list[str]:
    return list(dict.fromkeys(question.context for question in questions))


def generated(questions: list[Question]) -> list[Question]:
    return [question for question in questions if not question.id.startswith("hand-")]


@pytest.mark.parametrize("name", FILES)
def test_the_bundled_files_are_what_the_generator_makes(made_anew: Path, name: str) -> None:
    assert (made_anew / name).read_bytes() == (DATA / name).read_bytes(), "run `make corpus`"


def test_the_corpus_is_large_enough_and_small_enough(corpus: Corpus) -> None:
    least = {"train": 3000, "validation": 1000, "test": 300, "unlabeled": 300}
    assert {split for split, number in least.items() if len(corpus[split]) < number} == set()
    assert sum(path.stat().st_size for path in DATA.iterdir()) <= 5_000_000


def test_the_reader_warns_of_nothing() -> None:
    warnings: list[str] = []
    load_data(Settings(data=str(DATA)), warnings=warnings)
    assert warnings == []


def test_ids_tell_the_parts_apart(corpus: Corpus) -> None:
    assert {split: parts(questions) for split, questions in corpus.items()} == {
        "train": {"gen"},
        "validation": {"gen", "wording", "hand"},
        "test": {"gen", "wording", "hand"},
        "unlabeled": {"gen"},
    }


def test_every_question_type_occurs(corpus: Corpus) -> None:
    for split in LABELED:
        assert {question_type(question.question) for question in corpus[split]} == set(TYPES), split


def test_about_15_percent_is_unanswerable(corpus: Corpus) -> None:
    for split in LABELED:
        share = sum(not question.answerable for question in corpus[split]) / len(corpus[split])
        assert 0.13 < share < 0.17, split


def test_unlabeled_questions_have_no_answers(corpus: Corpus) -> None:
    assert not any(question.labeled or question.golds for question in corpus["unlabeled"])


def test_annotators_differ_where_answers_are_scored(corpus: Corpus) -> None:
    assert {len(q.golds) for q in corpus["train"] if q.answerable} == {1}
    for split in ("validation", "test"):
        golds = [question.golds for question in corpus[split] if question.answerable]
        assert {len(found) for found in golds} == {2, 3, 4}
        assert sum(len(set(found)) > 1 for found in golds) > 0.3 * len(golds)


def test_paragraphs_are_as_long_as_those_of_squad(corpus: Corpus) -> None:
    lengths = [len(text.split()) for split in SPLITS for text in contexts(corpus[split])]
    assert 110 <= median(lengths) <= 135
    assert 540 <= max(lengths) <= 650


def test_no_paragraph_asks_the_same_twice(corpus: Corpus) -> None:
    asked = Counter((q.context, q.question.casefold()) for questions in corpus.values() for q in questions)
    assert max(asked.values()) == 1


def test_titles_are_of_one_split(corpus: Corpus) -> None:
    titles = {split: {question.title for question in questions} for split, questions in corpus.items()}
    assert [titles[a] & titles[b] for a, b in combinations(SPLITS, 2)] == [set()] * 6


def test_names_are_of_one_split(corpus: Corpus) -> None:
    """Invented words, and the pairs of plain words that name ships, songs and books."""
    plain = {word.capitalize() for word in (*ADJECTIVES, *NOUNS)}
    wordings = " ".join(
        text
        for domain in domains()
        for texts in (domain.asides, *(w.texts for fact in domain.facts for w in (fact.statements, fact.questions)))
        for text in texts
    )
    fixed = plain | set(re.findall(r"[A-Z]\w+", f"{wordings} {wordings.title()} {Path(build.__file__).read_text()}"))
    found: dict[str, set[str]] = {}
    for split, questions in corpus.items():
        text = " ".join(contexts(generated(questions)))
        invented = set(re.findall(r"(?<=[a-z,] )[A-Z]\w+", text)) - fixed - _other_capitals()
        pairs = set(re.findall(r"\b[A-Z]\w+ [A-Z]\w+", text))
        found[split] = invented | {pair for pair in pairs if set(pair.split()) <= plain}
        assert len(found[split]) > 500
    assert [found[a] & found[b] for a, b in combinations(SPLITS, 2)] == [set()] * 6


def _other_capitals() -> set[str]:
    """Words that many names share, such as ``Upper``, ``Guild`` and ``March``."""
    lists = (names.PLACE_FORMS, names.ORGANISATIONS, names.COMPANIES, names.FESTIVALS, names.UNIVERSITIES)
    return {word for texts in lists for text in texts for word in words(text)} | set(values.MONTHS) | {
        "River", "Battle", "Bridge",
    }  # fmt: skip


def test_domains_are_rich_enough() -> None:
    assert len(domains()) >= 12
    for domain in domains():
        assert len(domain.facts) >= 10
        assert min(len(w.texts) for fact in domain.facts for w in (fact.statements, fact.questions)) >= 8


def test_a_fifth_of_the_wordings_is_kept_from_training() -> None:
    wordings = [w for domain in domains() for fact in domain.facts for w in (fact.statements, fact.questions)]
    assert all(one.seen and one.unseen and {*one.seen, *one.unseen} == set(one.texts) for one in wordings)
    unseen, total = (
        sum(map(len, texts)) for texts in ([one.unseen for one in wordings], [one.texts for one in wordings])
    )
    assert unseen / total == pytest.approx(0.2, abs=0.01)


def test_training_asks_in_no_wording_that_is_kept_from_it(corpus: Corpus) -> None:
    unseen = {name: _pattern(wordings.unseen) for name, wordings in _questions().items()}
    seen = {name: _pattern(wordings.seen) for name, wordings in _questions().items()}
    for question in corpus["train"]:
        assert question.fact
        text = re.sub(
            r"^(Exactly|Do you know:|According to the text,|And) (\w)", lambda m: m[2].upper(), question.question
        )
        assert seen[question.fact].fullmatch(text), text
    for split in ("validation", "test"):
        found = [q for q in generated(corpus[split]) if q.fact and unseen[q.fact].fullmatch(q.question)]
        assert len(found) > 0.1 * len(corpus[split])
        apart = [q for q in found if not seen[q.fact or ""].fullmatch(q.question)]
        assert parts(apart) == {"wording"}


def _questions() -> dict[str, Wordings]:
    return {f"{domain.name}.{fact.name}": fact.questions for domain in domains() for fact in domain.facts}


def _pattern(texts: tuple[str, ...]) -> re.Pattern[str]:
    """Matches whatever the wordings can become."""
    patterns = []
    for text in texts:
        pattern = re.escape(text).replace(r"\[", "(?:").replace(r"\]", ")").replace(r"\|", "|")
        patterns.append(re.sub(r"\\{\w+\\}", ".+", pattern).replace(r"\ ", r"\s*"))
    return re.compile("|".join(patterns), re.IGNORECASE)


def test_hand_written_articles_are_whole_and_not_in_training() -> None:
    articles = list(hand_written())
    assert len(articles) >= 10
    assert {split for split, _ in articles} == {"validation", "test"}
    for _, article in articles:
        assert [len(paragraph["qas"]) for paragraph in article["paragraphs"]] == [5] * 5


def test_false_labels_are_as_many_as_said_and_false(
    corpus: Corpus, planted: dict[str, Any], true_golds: dict[str, Gold]
) -> None:
    answerable = [question for question in corpus["train"] if question.answerable]
    false = {question.id for question in answerable if question.golds[0] != true_golds[question.id]}
    assert false == set(planted["false_labels"])
    assert len(planted["false_labels"]) == len(false)
    assert len(false) / len(answerable) == pytest.approx(FALSE_LABEL_SHARE, abs=0.002)


def test_false_labels_are_of_the_same_kind_or_the_same_words(
    corpus: Corpus, planted: dict[str, Any], true_golds: dict[str, Gold]
) -> None:
    false = [question for question in corpus["train"] if question.id in planted["false_labels"]]
    same_words = [q for q in false if q.golds[0].text == true_golds[q.id].text]
    same_kind = [q for q in false if q not in same_words and _answers_another(q, corpus["train"], true_golds)]
    assert len(same_kind) >= len(false) / 2
    assert len(same_words) >= len(false) / 10
    assert len(same_kind) + len(same_words) == len(false)
    assert all(normalize_answer(question.golds[0].text) for question in false)


def _answers_another(question: Question, questions: list[Question], true_golds: dict[str, Gold]) -> bool:
    others = [q for q in questions if q.context == question.context and q.id in true_golds]
    kind = Kinds[question.fact or ""]
    return any(true_golds[q.id] == question.golds[0] and Kinds[q.fact or ""] == kind for q in others)


def test_quoted_titles_have_their_quotation_marks_in_the_text_alone(corpus: Corpus, planted: dict[str, Any]) -> None:
    splits = set()
    for split in ("train", "validation"):
        for question in corpus[split]:
            if question.title in planted["quoted_titles"]:
                splits.add(split)
                for gold in question.golds:
                    assert '"' not in gold.text
                    assert question.context[gold.start + len(gold.text)] == '"'
    assert splits == {"train", "validation"}


def test_other_titles_have_golds_with_their_quotation_marks(corpus: Corpus, planted: dict[str, Any]) -> None:
    for question in generated(corpus["train"]):
        asks_for_work = Kinds[question.fact or ""] == "work" and question.answerable
        if asks_for_work and question.title not in planted["quoted_titles"]:
            assert re.fullmatch('".+"', question.golds[0].text), question.id


def test_near_duplicates_ask_the_same(corpus: Corpus, planted: dict[str, Any]) -> None:
    questions = {question.id: question for split in LABELED for question in corpus[split]}
    for group in planted["near_duplicates"]:
        first, *others = (questions[key] for key in group)
        assert len(others) == 2
        for other in others:
            assert other.context == first.context
            assert other.question.casefold().endswith(first.question.casefold())
            assert other.golds == first.golds or {first.id, other.id} & set(planted["false_labels"])


def test_hard_titles_are_crowded_and_in_unseen_wordings(corpus: Corpus, planted: dict[str, Any]) -> None:
    hard = [question for question in corpus["validation"] if question.title in planted["hard_titles"]]
    assert len({question.title for question in hard}) == 2
    assert parts(hard) == {"wording"}
    usual = median(len(text.split()) for text in contexts(corpus["validation"]))
    assert min(len(text.split()) for text in contexts(hard)) > 2 * usual


def test_prose_is_tidy(corpus: Corpus) -> None:
    faults = re.compile(
        r"\s\s|\s[,.?]|[\[\]{}|]|\b(\w+) \1\b|[.?] [a-z]|\bthe The\b|,,|\b[Aa] (?!one\b)[aeio]\w|\b[Aa]n [bcdfgjklm]"
    )
    for questions in corpus.values():
        for question in generated(questions):
            for text in (question.context, question.question):
                assert not faults.search(text), (question.id, faults.search(text))
                assert text[0].isupper() or text[0].isdigit() or text[0] == '"'


def test_another_seed_writes_another_corpus() -> None:
    first, again, other = (next(Builder(seed, "test").articles(1, build.SHIPPED)) for seed in (7, 7, 8))
    assert first == again
    assert first != other


@pytest.mark.parametrize("kind", build.TRAINING_TEXTS)
def test_training_text_is_of_training_alone(tmp_path: Path, corpus: Corpus, kind: str) -> None:
    write_training_text(tmp_path, kind, 60, 90)
    text = {split: load_file(tmp_path / f"{split}.json") for split in ("train", "validation")}
    assert len(text["train"]) >= 60
    assert len(text["validation"]) >= 90
    assert parts(text["train"] + text["validation"]) == {"gen"}
    evaluated = {question.title for split in ("validation", "test") for question in corpus[split]}
    assert not evaluated & {question.title for questions in text.values() for question in questions}
    assert not {q.id for q in text["train"]} & {q.id for q in text["validation"]}


def test_the_long_training_text_holds_longer_paragraphs(tmp_path: Path) -> None:
    words = {}
    for kind in build.TRAINING_TEXTS:
        write_training_text(tmp_path / kind, kind, 400, 1)
        asked = load_file(tmp_path / kind / "train.json")
        words[kind] = sum(len(question.context.split()) for question in asked) / len(asked)
    assert words["long"] > 1.5 * words["easy"]


def test_the_training_text_of_rivals_asks_the_same_of_several_subjects(tmp_path: Path) -> None:
    shares = {}
    for kind in build.TRAINING_TEXTS:
        write_training_text(tmp_path / kind, kind, 600, 1)
        asked = load_file(tmp_path / kind / "train.json")
        assert all(question.subject and question.subject in question.question for question in asked)
        subjects: dict[tuple[str, str], set[str]] = {}
        for question in asked:
            subjects.setdefault((question.context, question.fact or ""), set()).add(question.subject or "")
        shares[kind] = sum(len(subjects[q.context, q.fact or ""]) > 1 for q in asked) / len(asked)
    assert shares["rivals"] > 0.5
    assert max(shares["easy"], shares["long"]) < 0.35


def test_the_shipped_corpus_names_no_subjects(corpus: Corpus) -> None:
    assert not any(question.subject for questions in corpus.values() for question in questions)
