from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from squad_albert.explore import charts
from squad_albert.explore.overview import overview
from squad_albert.explore.section import Section
from squad_albert.explore.style import OUTCOMES, SERIES
from tests.squad_albert.explore.sections import sections_of
from tests.tiny_run import tiny_run

SECTIONS = sections_of(tiny_run(60))


def test_scores_of_each_split_are_those_of_the_table() -> None:
    chart = charts.scores(SECTIONS["overview"])
    assert chart is not None
    table = SECTIONS["overview"].table.query("group == 'question type'")
    assert [trace.name for trace in chart.figure.data] == ["train", "validation"]
    for trace in chart.figure.data:
        part = table[table["split"] == trace.name]
        assert list(trace.x) == part["exact"].to_list()
        assert np.allclose(trace.x + trace.error_x.array, part["exact_high"])
        assert np.allclose(trace.x - trace.error_x.arrayminus, part["exact_low"])
    worst = table[table["split"] == "validation"].sort_values("exact")["value"].iloc[0]
    assert chart.figure.layout.yaxis.categoryarray[0] == worst


def test_calibration_has_a_diagonal_and_a_line_a_split() -> None:
    chart = charts.calibration(SECTIONS["overview"])
    assert chart is not None
    assert list(chart.figure.data[0].x) == list(chart.figure.data[0].y) == [0, 1]
    assert [trace.name for trace in chart.figure.data[1:]] == ["train", "validation"]


def test_clusters_come_by_rank_with_the_mean_of_all() -> None:
    section = SECTIONS["clusters"]
    chart = charts.cluster_losses(section, 1.25)
    assert chart is not None
    assert list(chart.figure.data[0].x) == section.table.sort_values("rank")["loss"].to_list()
    assert chart.figure.layout.shapes[0].x0 == 1.25
    unlabeled = replace(section, table=section.table.assign(loss=float("nan")))
    assert charts.cluster_losses(unlabeled, float("nan")) is None


def test_types_of_a_cluster_sum_to_one_and_no_answer_is_grey() -> None:
    names = [*(f"type {number}" for number in range(len(SERIES) + 2)), "none"]
    table = pd.DataFrame({"cluster": 0, "answer_type": names, "count": range(len(names), 0, -1)})
    chart = charts.cluster_types(Section("composition", "", table, []))
    assert chart is not None
    assert sum(trace.x[0] for trace in chart.figure.data) == pytest.approx(1)
    assert [trace.name for trace in chart.figure.data][-2:] == ["other types", "no answer"]
    assert len({trace.marker.color for trace in chart.figure.data}) == len(SERIES) + 2


def test_the_deletion_curve_has_a_band_and_a_line_a_method_and_random_tokens() -> None:
    chart = charts.deletion(SECTIONS["saliency"])
    assert chart is not None
    shown = [trace.name for trace in chart.figure.data if trace.showlegend is not False]
    assert shown == ["gradient \N{MULTIPLICATION SIGN} input", "integrated gradients", "occlusion", "random tokens"]
    assert len(chart.figure.data) == 7


def test_heads_and_the_example_show_the_measure_or_head_chosen() -> None:
    section = SECTIONS["attention"]
    heads = charts.heads(section)
    assert heads is not None
    assert list(heads.choices) == list(charts.MEASURES)
    grid = np.array(heads.choices["special tokens"]["z"], float)
    row = section.table.query("layer == 2 and head == 1").iloc[0]
    assert grid[2, 1] == pytest.approx(row["special"], abs=1e-4)
    example = charts.attention_example(section)
    assert example is not None
    strongest = section.table.sort_values("question_to_answer").iloc[-1]
    assert next(iter(example.choices)) == f"layer {strongest['layer']}, head {strongest['head']}"
    assert len(example.choices) == 8
    assert list(example.figure.layout.xaxis.ticktext)[3].startswith("<b>")


@pytest.mark.parametrize(
    ("draw", "name", "key"),
    [
        (charts.scores, "overview", None), (charts.calibration, "overview", "calibration"),
        (charts.separation, "population", "split_distances"), (charts.slice_effects, "slices", None),
        (charts.cluster_types, "composition", None), (charts.deletion, "saliency", "deletion"),
        (charts.heads, "attention", None), (charts.attention_example, "attention", "attention_example"),
    ],
)  # fmt: skip
def test_an_empty_table_has_no_figure(draw, name: str, key: str | None) -> None:  # type: ignore[no-untyped-def]
    section = SECTIONS[name]
    assert draw(section) is not None
    if key is None:
        section = replace(section, table=section.table.head(0))
    else:
        section = replace(section, more={**section.more, key: section.more[key].head(0)})
    assert draw(section) is None


def test_every_figure_is_json_and_says_what_it_shows() -> None:
    drawn = [
        charts.scores(SECTIONS["overview"]), charts.calibration(SECTIONS["overview"]),
        charts.separation(SECTIONS["population"]), charts.cluster_losses(SECTIONS["clusters"], 1.0),
        charts.slice_effects(SECTIONS["slices"]), charts.cluster_types(SECTIONS["composition"]),
    ]  # fmt: skip
    for chart in drawn:
        assert chart is not None
        assert json.loads(chart.figure.to_json())["data"]
        assert chart.alt
        assert chart.height >= 100


def test_points_hold_what_is_known_of_each_question() -> None:
    run = tiny_run(40)
    data = charts.map_data(run, sections_of(run), seed=7)
    assert data is not None
    assert data["id"] == run.questions["id"].to_list()
    assert data["question"] == run.questions["question"].to_list()
    assert set(data["maps"]) == {"UMAP", "PCA"}
    assert data["maps"]["PCA"]["x"] == pytest.approx(run.vectors["answer"][:, 2], abs=1e-3)
    assert all(0 <= size <= 1 for size in data["size"])
    order = np.argsort(run.questions["loss"])
    assert (np.diff(np.array(data["size"])[order]) >= 0).all()
    for colour in data["colours"]:
        assert len(colour["codes"]) == 40
        assert max(colour["codes"]) < len(colour["categories"]) <= len(SERIES)
    unanswerable = run.questions.index[~run.questions["answerable"]][0]
    assert data["gold"][unanswerable] == "no answer"


def test_of_too_many_points_some_are_drawn_by_chance_and_always_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(charts, "MOST_POINTS", 25)
    run = tiny_run(60)
    one, again, other = (charts.map_data(run, sections_of(run), seed) for seed in (7, 7, 8))
    assert one is not None and again is not None and other is not None
    assert len(set(one["id"])) == 25
    assert one["id"] == again["id"] != other["id"]


def test_a_map_by_pca_is_offered_once() -> None:
    run = tiny_run(20)
    sections = sections_of(run)
    sections["population"] = replace(sections["population"], facts={"method": "pca"})
    data = charts.map_data(run, sections, seed=7)
    assert data is not None
    assert set(data["maps"]) == {"PCA"}


def test_without_a_population_there_is_no_map() -> None:
    assert charts.map_data(tiny_run(20), {"overview": overview(tiny_run(20))}, seed=7) is None


def test_outcomes_tell_the_right_from_the_nearly_right() -> None:
    values = {"labeled": [True, True, True, False], "exact": [1.0, 0, 0, np.nan], "lenient": [1.0, 1, 0, np.nan]}
    assert charts.outcome(pd.DataFrame(values)).to_list() == list(OUTCOMES)


@pytest.mark.parametrize("loss", [0.0, np.nan])
def test_without_any_loss_all_points_are_of_one_size(loss: float) -> None:
    run = tiny_run(20, loss=loss)
    data = charts.map_data(run, sections_of(tiny_run(20)), seed=7)
    assert data is not None
    assert set(data["size"]) == {0.0}


def test_labels_hold_no_mark_up_and_are_short() -> None:
    assert charts.label("<b>a\u202e\n b</b>") == "&lt;b&gt;a[U+202E] b&lt;/b&gt;"
    assert len(charts.label("word " * 50)) <= 34
