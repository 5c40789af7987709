"""Sections as the analyses make them, put together from a tiny run in no time: for the tests of report and pictures."""

from __future__ import annotations

from itertools import product

import numpy as np
import pandas as pd

from squad_albert.explore.overview import overview
from squad_albert.explore.section import Section
from squad_albert.run_tables import RunTables

KINDS = ("highest loss", "highest loss", "answered right")
METHODS = ("gradient_input", "integrated_gradients", "occlusion")


def sections_of(run: RunTables, seed: int = 7) -> dict[str, Section]:
    """Every section of a run with a model, by name."""
    draw = np.random.default_rng(seed)
    made = [
        overview(run), _population(run, draw), _clusters(run), _slices(), _composition(run), _near_duplicates(run),
        _saliency(run, draw), _attention(run, draw), _labels(run),
    ]  # fmt: skip
    return {section.name: section for section in made}


def empty_sections(run: RunTables) -> dict[str, Section]:
    """The sections of a run without a model: those that need one say so."""
    names = ["population", "clusters", "composition", "saliency", "attention"]
    why = "The run was made without a model. Make one with: squad-albert evaluate"
    lacking = [Section(name, name, pd.DataFrame(columns=["id"]), [], empty=why) for name in names]
    return {section.name: section for section in (overview(run), _labels(run), *lacking)}


def _population(run: RunTables, draw: np.random.Generator) -> Section:
    places = run.vectors["answer"][:, :4].astype(np.float64)
    table = pd.DataFrame(places, columns=["x", "y", "pca_x", "pca_y"])
    table.insert(0, "id", run.questions["id"])
    facts = {"auc": 0.61, "auc_low": 0.52, "auc_high": 0.7, "method": "umap"}
    apart = pd.DataFrame([{"split_a": "train", "split_b": "validation", "auc": 0.61, "auc_low": 0.52, "auc_high": 0.7}])
    sentences = [f"{len(table)} questions are drawn.", "train and validation lie a little apart: AUC 0.61."]
    return Section("population", "Population", table, sentences, facts, {"split_distances": apart})


def _cluster_of(run: RunTables) -> pd.Series:
    words = run.questions["question_type"]
    return words.map({word: place for place, word in enumerate(sorted(words.unique()))}) - (words == "why")


def _clusters(run: RunTables) -> Section:
    members = pd.DataFrame({"id": run.questions["id"], "cluster": _cluster_of(run)})
    rows = []
    for cluster, part in run.questions.groupby(members["cluster"]):
        if cluster >= 0:
            rows.append({
                "cluster": cluster, "size": len(part), "labeled": len(part), "loss": part["loss"].mean(),
                "loss_low": part["loss"].mean() - 0.3, "loss_high": part["loss"].mean() + 0.3,
                "errors": 1 - part["exact"].mean(), "errors_low": 0.1, "errors_high": 0.6, "above": False,
                "terms": ["built", "ship"], "question_types": "where 90 %, who 10 %",
                "answer_types": "name 90 %", "titles": "Ships 40 %", "reason": "right but for quotation marks",
                "central": list(part["id"][:3]),
            })  # fmt: skip
    table = pd.DataFrame(rows).sort_values("loss", ascending=False, ignore_index=True)
    table["rank"] = range(1, len(table) + 1)
    table.loc[0, "above"] = True
    facts = {"loss": run.questions["loss"].mean(), "errors": 1 - run.questions["exact"].mean()}
    more = {"cluster_members": members.assign(high_loss_cluster=-1), "high_loss_clusters": table.head(1)}
    return Section("clusters", "Clusters", table, [f"{len(table)} clusters.", "Cluster 0: told."], facts, more)


def _slices() -> Section:
    row = {
        "slice": "title = Hard", "level": 1,
        "conditions": [{"column": "title", "value": "Hard", "low": None, "high": None}],
        "size": 15, "errors": 9, "excess": 6.0, "error": 0.6, "rest_error": 0.1, "effect": 0.5, "effect_low": 0.2,
        "effect_high": 0.7, "loss": 3.2, "rest_loss": 0.8, "p": 0.0001, "p_adjusted": 0.002,
    }  # fmt: skip
    return Section("slices", "Slices", pd.DataFrame([row]), ["One slice holds more errors."])


def _composition(run: RunTables) -> Section:
    kinds, cluster = run.questions["prediction_type"], _cluster_of(run)
    counts = pd.crosstab(cluster[cluster >= 0], kinds[cluster >= 0]).stack()
    table = counts.rename("count").reset_index().set_axis(["cluster", "answer_type", "count"], axis=1)
    table["size"] = table.groupby("cluster")["count"].transform("sum")
    table["share"] = table["count"] / table["size"]
    table["purity"] = table.groupby("cluster")["share"].transform("max")
    table["dominant"] = "name"
    examples = pd.DataFrame(
        [
            (number, rank, run.questions["id"].iloc[rank])
            for number, rank in product(table["cluster"].unique(), range(3))
        ],
        columns=["cluster", "rank", "id"],
    )
    return Section("composition", "Composition", table, ["Purity 0.8."], {}, {"composition_examples": examples})


def _near_duplicates(run: RunTables) -> Section:
    first, second = run.questions.iloc[0], run.questions.iloc[1]
    row = {
        "id_a": first["id"], "id_b": second["id"], "split_a": first["split"], "split_b": second["split"],
        "kind": "leakage", "shared": "question", "similarity": 0.98, "text_similarity": 0.7, "same_answer": True,
        "title_a": first["title"], "title_b": second["title"], "question_a": first["question"],
        "question_b": second["question"],
    }  # fmt: skip
    return Section("near_duplicates", "Near-duplicates", pd.DataFrame([row]), ["One pair leaks."])


def _saliency(run: RunTables, draw: np.random.Generator) -> Section:
    rows = []
    for kind, question in zip(KINDS, run.questions.head(3).itertuples(), strict=True):
        texts = [("question", question.question), ("context", question.context)]
        place = 0
        for segment, text in texts:
            end = 0
            for word in text.split():
                start = text.index(word, end)
                end = start + len(word)
                values = dict(zip(METHODS, draw.normal(size=3), strict=True))
                place += 1
                rows.append({
                    "id": question.id, "kind": kind, "position": place, "token": word, "target": False,
                    "start": start, "end": end, "segment": segment, **values,
                })  # fmt: skip
    shares = np.linspace(0, 0.5, 6)
    deletion = pd.concat(
        pd.DataFrame({
            "method": method, "share": shares, "loss": 1 + 4 * shares, "random_loss": 1 + shares,
            "low": 0.8 + 4 * shares, "high": 1.2 + 4 * shares,
        })
        for method in METHODS
    )  # fmt: skip
    return Section("saliency", "Loss analysis", pd.DataFrame(rows), ["Tokens matter."], {}, {"deletion": deletion})


def _attention(run: RunTables, draw: np.random.Generator) -> Section:
    shares = ("question_to_context question_to_answer answer_to_question context_to_question special previous next "
              "itself before after same_token").split()  # fmt: skip
    rows = []
    for layer, head in product(range(4), range(2)):
        values = {name: float(draw.random() / 3) for name in shares}
        rows.append({
            "layer": layer, "head": head, "role": "special tokens", "samples": 60, "answered": 50, "entropy": 3.1,
            "entropy_normalised": 0.6, **values, **{f"{name}_chance": 0.05 for name in shares},
            "question_to_answer_low": values["question_to_answer"] - 0.02,
            "question_to_answer_high": values["question_to_answer"] + 0.02, "question_to_answer_right": 0.2,
            "question_to_answer_wrong": 0.1, "main_attended": "where", "main_attended_share": 0.4,
        })  # fmt: skip
    first = run.questions.iloc[0]
    example = pd.DataFrame(
        {
            "id": first["id"], "layer": layer, "head": head, "row": row, "query": query, "column": column, "key": key,
            "start": 0, "end": 1, "in_answer": column == 3, "weight": float(draw.random() / 10),
        }
        for (layer, head), (row, query), (column, key) in product(
            product(range(4), range(2)), enumerate(first["question"].split()), enumerate(first["context"].split()[:10])
        )
    )  # fmt: skip
    return Section("attention", "Attention", pd.DataFrame(rows), ["Heads attend."], {}, {"attention_example": example})


def _labels(run: RunTables) -> Section:
    table = run.questions[run.questions["labeled"]].sort_values("exact").head(10)
    table = table.assign(
        rank=range(1, len(table) + 1), score=0.9, reason="the model is sure of another answer",
        gold=[next(iter(golds), "") for golds in table["golds"]],
    )  # fmt: skip
    columns = ["id", "rank", "score", "reason", "split", "title", "question", "gold", "prediction"]
    return Section("labels", "Labels", table[columns].reset_index(drop=True), ["Ten labels to look at."])
