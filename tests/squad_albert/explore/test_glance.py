from __future__ import annotations

from dataclasses import replace

import pandas as pd

from squad_albert.explore.glance import apart, glance
from squad_albert.explore.overview import overview
from squad_albert.explore.section import Section
from tests.squad_albert.explore.sections import empty_sections, sections_of
from tests.tiny_run import tiny_run


def test_every_section_with_a_finding_has_one_sentence() -> None:
    told = dict(glance(sections_of(tiny_run())))
    assert list(told) == [
        "overview", "population", "clusters", "slices", "composition", "near_duplicates", "saliency", "attention",
        "labels",
    ]  # fmt: skip
    assert told["population"] == "train and validation lie a little apart: AUC 0.61."
    assert told["slices"] == (
        "The slice with the most errors beyond its share is title = Hard: 9 errors in 15 questions, 3 would be usual; "
        "60 % are wrong, 10 % elsewhere (difference 20 to 70 points)."
    )


def test_the_first_line_says_where_the_errors_are() -> None:
    run = tiny_run(300)
    assert glance(sections_of(run))[0] == ("overview", overview(run).sentences[0])
    assert overview(run).sentences[0].startswith("Most errors in validation are in title “Hard”: ")


def test_the_hardest_cluster_is_told_with_a_reason_where_one_is_visible() -> None:
    section = sections_of(tiny_run())["clusters"]
    worst = section.table.sort_values("rank").iloc[0]
    sentence = dict(glance({"clusters": section}))["clusters"]
    assert f"The hardest of them is cluster {worst['cluster']}: mean loss {worst['loss']:.2f}" in sentence
    assert f"over all {section.facts['loss']:.2f}" in sentence
    assert f"luster {worst['cluster']}, where a reason is visible: right but for quotation marks" in sentence
    plain = replace(section, table=section.table.assign(reason=""), more={"high_loss_clusters": section.table.head(0)})
    assert "reason" not in dict(glance({"clusters": plain}))["clusters"]
    equal = replace(plain, table=plain.table.assign(above=False))
    assert dict(glance({"clusters": equal}))["clusters"] == (
        f"None of the {len(section.table)} clusters has a mean loss surely above that of all questions."
    )


def test_the_head_that_finds_the_answer_is_named() -> None:
    facts = {"best_layer": 2, "best_head": 1, "question_to_answer": 0.2, "question_to_answer_chance": 0.05}
    section = Section("attention", "", pd.DataFrame({"layer": [1]}), ["Heads."], facts)
    assert dict(glance({"attention": section}))["attention"] == (
        "Question words attend to the answer most in layer 2, head 1: with 20.0 % of their attention, 4.0 times the "
        "chance."
    )


def test_sections_without_a_finding_are_left_out() -> None:
    told = dict(glance(empty_sections(tiny_run(model=False))))
    assert set(told) == {"overview", "labels"}
    assert glance({}) == []


def test_clusters_without_labels_have_no_hardest() -> None:
    section = sections_of(tiny_run())["clusters"]
    unlabeled = replace(section, table=section.table.assign(loss=float("nan")))
    assert glance({"clusters": unlabeled}) == []


def test_what_is_said_of_the_splits_is_found_among_the_sentences() -> None:
    texts = ["400 questions.", "train and validation cannot be told apart by a classifier.", "The map misleads."]
    section = Section("population", "", pd.DataFrame({"id": ["a"]}), texts)
    assert apart(section) == texts[1:2]
