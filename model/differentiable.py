"""An ALBERT checkpoint in Keras, for gradients: what the exported ONNX file computes, but differentiable.

keras-hub's backbone reads the same ``model.safetensors``; the span head is added here. Gradients are taken at the
word embeddings, with positions and segments as they are, as these say which token stands at a place.
"""

from __future__ import annotations

import json
import os
from importlib.util import find_spec
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from project_config import ProjectError
from utils.decoders import LOWEST
from utils.files import scratch_folder

from .quiet import quiet_tensorflow

Float = NDArray[np.float32]
Int = NDArray[np.int32]

FILES = ("config.json", "model.safetensors")
"""What a checkpoint folder holds."""

TANH_GELU = ("gelu_new", "gelu_pytorch_tanh", "gelu_fast", "gelu_accurate")
"""Names that transformers has for the approximation by tanh, the one that keras-hub builds in."""

ACTIVATIONS = {**dict.fromkeys(TANH_GELU, True), "gelu": False}
"""Whether each activation is that approximation."""

LAYER_NORM_EPSILON = 1e-12
"""Built into keras-hub's ALBERT, as it is that of every published one."""

_DEFAULTS = {
    "num_hidden_groups": 1,
    "inner_group_num": 1,
    "type_vocab_size": 2,
    "hidden_act": "gelu_new",
    "layer_norm_eps": LAYER_NORM_EPSILON,
    "attention_probs_dropout_prob": 0.0,
}
"""What a config may leave out, with transformers' values; dropout is not used here."""

_HEAD = ("qa_outputs.weight", "qa_outputs.bias")
_POOLER = ("albert.pooler.weight", "albert.pooler.bias")


class DifferentiableError(ProjectError):
    """A checkpoint cannot be had in Keras."""


class Differentiable:
    """A question-answering ALBERT whose loss has gradients.

    Args:
        folder: holds ``FILES``, as transformers and ``squad-albert export`` write them.

    Raises:
        DifferentiableError: if TensorFlow or keras-hub is missing, a file is missing or damaged, or the checkpoint is
            not an ALBERT with a span head.
    """

    def __init__(self, folder: Path) -> None:
        config = _read_config(folder)
        self._tf, keras_hub = _libraries()
        self._backbone, head = _load(folder, config, keras_hub)
        self._embeddings: Float = self._backbone.token_embedding.embeddings.numpy()
        weight, bias = (self._tf.constant(values) for values in head)
        self._head = self._tf.transpose(weight), bias
        float_, integer = self._tf.float32, self._tf.int32
        spec = self._tf.TensorSpec
        embedded = spec([None, None, config["embedding_size"]], float_)
        masks = [spec([None, None], integer)] * 2
        targets = [spec([None], integer)] * 2
        # One graph for every batch size and length, as tracing takes seconds.
        self._forward = self._tf.function(self._trace_logits, input_signature=[embedded, *masks])
        self._backward = self._tf.function(self._trace_gradient, input_signature=[embedded, *masks, *targets])

    def embed(self, input_ids: Int) -> Float:
        """Word embeddings of tokens: int32 ``[B, L]`` -> float32 ``[B, L, E]``."""
        return self._embeddings[input_ids]

    def logits(self, embedded: Float, attention_mask: NDArray[Any], token_type_ids: NDArray[Any]) -> Float:
        """Start and end logits, float32 ``[B, L, 2]``, with ``LOWEST`` on padding.

        Args:
            embedded: float32 ``[B, L, E]``, as ``embed`` gives them, or anything between.
            attention_mask: 1 over tokens, 0 over padding, ``[B, L]``.
            token_type_ids: 1 over the context and its end, ``[B, L]``.
        """
        logits: Float = self._forward(embedded, *_integers(attention_mask, token_type_ids)).numpy()
        return logits

    def loss_gradient(
        self,
        embedded: Float,
        attention_mask: NDArray[Any],
        token_type_ids: NDArray[Any],
        start: NDArray[Any],
        end: NDArray[Any],
    ) -> tuple[Float, Float]:
        """The loss of ``utils.loss`` and its gradient: float32 ``[B]`` and ``[B, L, E]``.

        Args:
            embedded: float32 ``[B, L, E]``.
            attention_mask: ``[B, L]``.
            token_type_ids: ``[B, L]``.
            start: first target token, ``[B]``.
            end: last target token, ``[B]``.
        """
        loss, gradient = self._backward(embedded, *_integers(attention_mask, token_type_ids, start, end))
        return loss.numpy(), gradient.numpy()

    def _trace_logits(self, embedded: Any, attention_mask: Any, token_type_ids: Any) -> Any:
        backbone = self._backbone
        hidden = backbone.embeddings_add(
            (embedded, backbone.position_embedding(embedded), backbone.segment_embedding(token_type_ids))
        )
        hidden = backbone.embeddings_projection(backbone.embeddings_layer_norm(hidden))
        for group in backbone.transformer_layers:
            for _ in range(backbone.num_layers // backbone.num_groups):
                for layer in group:
                    hidden = layer(hidden, padding_mask=attention_mask, training=False)
        weight, bias = self._head
        return self._tf.where(attention_mask[..., None] > 0, hidden @ weight + bias, LOWEST)

    def _trace_gradient(self, embedded: Any, attention_mask: Any, token_type_ids: Any, start: Any, end: Any) -> Any:
        tf = self._tf
        with tf.GradientTape() as tape:
            tape.watch(embedded)
            logits = self._trace_logits(embedded, attention_mask, token_type_ids)
            loss = sum(
                tf.nn.sparse_softmax_cross_entropy_with_logits(target, logits[..., side])
                for side, target in enumerate((start, end))
            )
        return loss, tape.gradient(loss, embedded)


def _integers(*arrays: NDArray[Any]) -> list[Int]:
    return [np.asarray(array, np.int32) for array in arrays]


def _libraries() -> tuple[Any, Any]:
    """TensorFlow and keras-hub, imported without their greetings."""
    missing = [name for name in ("tensorflow", "keras_hub", "safetensors") if find_spec(name) is None]
    if missing:
        raise DifferentiableError(
            f"gradients need {', '.join(missing)}, which {'is' if len(missing) == 1 else 'are'} not installed. Install "
            "the extra in the checkout: `make install-explore`, or pip install -e '.[explore]'; occlusion works without"
        )
    os.environ.setdefault("KERAS_BACKEND", "tensorflow")
    with quiet_tensorflow():
        import keras
        import keras_hub
        import tensorflow
    if keras.backend.backend() != "tensorflow":
        raise DifferentiableError(
            f"Keras runs on {keras.backend.backend()} here, and gradients are taken through TensorFlow. "
            "Unset KERAS_BACKEND, or set it to tensorflow."
        )
    return tensorflow, keras_hub


def _read_config(folder: Path) -> dict[str, Any]:
    """The checkpoint's configuration, once it is known to be one that keras-hub can hold."""
    for name in FILES:
        if not (folder / name).is_file():
            raise DifferentiableError(
                f"{folder} has no {name}, so its weights cannot be had in Keras. Copy it from the checkpoint, or use "
                "the method occlusion, which needs the ONNX file alone."
            )
    path = folder / "config.json"
    try:
        config = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise DifferentiableError(f"{path} cannot be read as JSON: {error}. Copy it from the model again.") from error
    if not isinstance(config, dict) or config.get("model_type") != "albert":
        kind = config.get("model_type") if isinstance(config, dict) else None
        raise DifferentiableError(
            f"{path}: the model is of type {kind}, and gradients are taken through ALBERT alone. "
            "The method occlusion works with every model."
        )
    config = {**_DEFAULTS, **config}
    act, epsilon = config["hidden_act"], config["layer_norm_eps"]
    if act not in ACTIVATIONS or epsilon != LAYER_NORM_EPSILON:
        raise DifferentiableError(
            f"{path}: hidden_act {act} and layer_norm_eps {epsilon} are not what keras-hub's ALBERT can have: one of "
            f"{', '.join(ACTIVATIONS)}, and {LAYER_NORM_EPSILON}. The method occlusion works with every model."
        )
    return config


def _load(folder: Path, config: dict[str, Any], keras_hub: Any) -> tuple[Any, tuple[Float, Float]]:
    """keras-hub's backbone with the checkpoint's weights; weight ``[2, H]`` and bias ``[2]`` of the span head."""
    import keras
    from safetensors import SafetensorError
    from safetensors.numpy import load_file, save_file

    path = folder / "model.safetensors"
    try:
        tensors = {name: tensor.astype(np.float32) for name, tensor in load_file(path).items()}
        head = tensors[_HEAD[0]], tensors[_HEAD[1]]
        width = config["hidden_size"]
        # keras-hub wants the pooler, which a span head does without and checkpoints of this kind lack.
        pooler = dict(zip(_POOLER, (np.zeros((width, width), np.float32), np.zeros(width, np.float32)), strict=True))
        with scratch_folder("squad-albert-preset") as aside:
            save_file(pooler | tensors, aside / path.name, metadata={"format": "pt"})
            preset = json.dumps({**config, "architectures": ["AlbertModel"]})
            (aside / "config.json").write_text(preset, encoding="utf-8")
            backbone = keras_hub.models.AlbertBackbone.from_preset(str(aside), dtype="float32")
    except (OSError, KeyError, ValueError, SafetensorError) as error:
        raise DifferentiableError(
            f"{path} does not hold an ALBERT with a span head as {folder / 'config.json'} describes it: {error}. "
            "Copy both from the checkpoint again; the method occlusion works without them."
        ) from error
    if not ACTIVATIONS[config["hidden_act"]]:
        for layer in chain.from_iterable(backbone.transformer_layers):
            layer._feedforward_intermediate_dense.activation = keras.activations.gelu
    return backbone, head
