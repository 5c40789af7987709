"""Losses, metrics and visualizers as the engine calls them, which the integration test does not show.

The engine hands a batch of samples to losses and metrics, stored as float16, with the ids in an
array, and one sample without a batch axis to visualizers. See
``code_loader.leaploader.LeapLoader.run_metric``.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

KINDS = {"CustomLoss": "loss", "Metric": "metric", "Visualizer": "visualizer"}


def rehearse(loader: Any, connections: list[Any], model: Any, state: Any, ids: list[str]) -> Iterator[str]:
    """What goes wrong when the engine's calls are made for a batch of samples of one split.

    Args:
        loader: the loader that has run the entry file.
        connections: code-loader's ``mapping_connections``: which tensors each function takes.
        model: the loaded model.
        state: the split, a ``DataStateEnum``.
        ids: the samples of the batch.
    """
    tensors = _tensors(loader, connections, model, state, ids)
    calls = {(KINDS[one.node.type.value], one.node.name): one for one in connections if one.node.type.value in KINDS}
    for (kind, name), connection in calls.items():
        sources = {argument: _key(source) for argument, source in connection.node_inputs.items()}
        if not all(key in tensors for key in sources.values()):
            continue  # no ground truth in this split, so the engine leaves it out
        batch = {argument: tensors[key] for argument, key in sources.items()}
        try:
            problem = _call(loader, kind, name, state, ids, batch)
        except Exception as error:  # whatever a handler raises is what is to be reported
            problem = f"{type(error).__name__}: {error}"
        if problem:
            yield f"{kind} {name} fails as the engine calls it, for {len(ids)} {state.name} samples: {problem}"


def _call(loader: Any, kind: str, name: str, state: Any, ids: list[str], batch: dict[str, Any]) -> str:
    if kind == "visualizer":
        for row, sample in enumerate(ids):
            one = {argument: values[row] for argument, values in batch.items()}
            loader.run_visualizer(name, np.array([sample]), state, one)
        return ""
    run = loader.run_metric if kind == "metric" else loader.run_custom_loss
    value = run(name, np.array(ids), state, dict(batch))
    for key, values in (value if isinstance(value, dict) else {name: value}).items():
        if np.shape(values) != (len(ids),):
            return f"{key} has shape {list(np.shape(values))}, not [{len(ids)}]. Give one value for each sample."
        if not np.isfinite(np.asarray(values, np.float64)).all():
            return f"{key} is not finite: {np.asarray(values).tolist()}. Compute in float32 or float64."
    return ""


def _tensors(loader: Any, connections: list[Any], model: Any, state: Any, ids: list[str]) -> dict[tuple[str, str], Any]:
    """Every tensor of the batch as the engine stores it, by kind and name."""
    from code_loader.utils import simulate_engine_float16_downcast

    samples = [loader.get_sample(state, sample) for sample in ids]
    inputs = {name: np.stack([sample.inputs[name] for sample in samples]) for name in samples[0].inputs}
    tensors = {("Input", name): values for name, values in inputs.items()}
    for name in samples[0].gt or {}:
        tensors["GroundTruth", name] = np.stack([sample.gt[name] for sample in samples])
    encoder = {one.node.type.value: one.node.name for one in connections}  # of the model's first, second, ... input
    feed = {given.name: inputs[encoder[f"Input{index}"]] for index, given in enumerate(model.get_inputs())}
    tensors |= {("Prediction", str(index)): values for index, values in enumerate(model.run(None, feed))}
    return {key: simulate_engine_float16_downcast(values) for key, values in tensors.items()}


def _key(source: Any) -> tuple[str, str]:
    kind = source.type.value
    if kind.startswith("Prediction"):
        return "Prediction", kind.removeprefix("Prediction")
    return ("Input" if kind.startswith("Input") else kind), source.name
