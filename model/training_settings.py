"""What a training run may be told, in the words of the other settings."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from project_config import (
    LARGEST_SEED,
    LONGEST_WINDOW,
    MOST,
    MOST_THREADS,
    Settings,
    problems_of,
    read_yaml,
    validate,
)

LARGEST_SIZE = 65_536
"""Of a layer or a batch."""
MOST_LAYERS = 1000
MOST_TOKENS = 1_000_000
"""Of a tokenizer."""


class ScratchSettings(BaseModel):
    """The size of a model that is made from nothing, its tokenizer included."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    architecture: str = Field("albert", description="a transformers model type with a question-answering head")
    vocabulary_size: int = Field(8000, ge=64, le=MOST_TOKENS, description="pieces of the tokenizer, at most")
    embedding_size: int = Field(
        128, ge=8, le=LARGEST_SIZE, description="width of the factorised embedding, where there is one"
    )
    hidden_size: int = Field(128, ge=8, le=LARGEST_SIZE, description="width of the layers")
    layers: int = Field(4, ge=1, le=MOST_LAYERS, description="how often a token passes through a layer")
    heads: int = Field(4, ge=1, le=MOST_LAYERS, description="attention heads of a layer")
    intermediate_size: int = Field(512, ge=8, le=LARGEST_SIZE, description="width of the feed-forward part")
    initializer_range: float = Field(0.05, gt=0, description="standard deviation of the fresh weights")
    dropout: float = Field(0.0, ge=0, lt=1, description="share of activations left out in training")

    @model_validator(mode="after")
    def _splits_into_heads(self) -> ScratchSettings:
        if self.hidden_size % self.heads:
            raise ValueError(f"hidden_size {self.hidden_size} is not a multiple of heads {self.heads}")
        return self


class SourceSettings(BaseModel):
    """One of several data sets that a run learns from."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    data: str = Field(description="`sample`, a folder, one file or a hub dataset; its training split, or its only one")
    weight: float = Field(1.0, gt=0, le=MOST, description="how often an epoch visits each of its questions")


class TrainingSettings(BaseModel):
    """A training run, as a YAML file describes it. Fields without a description mean what they do in ``Settings``.

    Example:
        >>> TrainingSettings(model="scratch", data="sample", output="runs", steps=10).batch_size
        32
    """

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    model: str = Field(min_length=1, description="`scratch`, a checkpoint's folder or a hub id")
    scratch: ScratchSettings = ScratchSettings.model_validate({})
    architecture: Literal["albert"] | None = Field(
        None, description="albert: take a checkpoint of BERT's shape as an ALBERT that computes the same"
    )
    embedding_size: int | None = Field(
        None,
        ge=8,
        le=LARGEST_SIZE,
        description="ALBERT: narrow a checkpoint's embedding to this width, with little change otherwise",
    )
    data: str = Field(
        "sample", min_length=1, description="`sample`, a folder, or a hub dataset; needs train and validation"
    )
    sources: tuple[SourceSettings, ...] = Field((), description="several data sets with weights, in place of `data`")
    held_out: float = Field(0.02, gt=0, lt=1, description="share of the sources' contexts that is validated on")
    unanswerable: float = Field(
        0.0, ge=0, le=1, description="unanswerable questions to make, as a share of the answerable ones"
    )
    output: str = Field("runs", min_length=1, description="folder that holds an experiment's folder")
    epochs: float | None = Field(
        None, gt=0, le=MOST, description="passes over the training windows; either this or steps"
    )
    steps: int | None = Field(None, ge=1, le=MOST, description="optimiser steps; either this or epochs")
    learning_rate: float = Field(3e-5, gt=0, description="highest rate of AdamW")
    warmup: float = Field(0.06, ge=0, lt=1, description="share of the steps in which the rate rises")
    decay: float = Field(0.94, ge=0, le=1, description="share of the steps in which the rate falls to zero")
    weight_decay: float = Field(0.01, ge=0, description="AdamW's")
    adam_beta2: float = Field(0.999, gt=0, lt=1, description="AdamW's second beta")
    max_grad_norm: float = Field(1.0, gt=0, description="gradients are clipped to this norm")
    batch_size: int = Field(32, ge=1, le=LARGEST_SIZE, description="windows in a batch, on each device")
    gradient_accumulation: int = Field(1, ge=1, le=LARGEST_SIZE, description="batches in a step")
    max_length: int = Field(384, ge=32, le=LONGEST_WINDOW)
    overlap: int = Field(128, ge=0, le=LONGEST_WINDOW)
    max_question_tokens: int = Field(64, ge=1, le=LONGEST_WINDOW)
    max_answer_tokens: int = Field(30, ge=1, le=LONGEST_WINDOW)
    no_answer: Literal["auto", "always", "never"] = Field(
        "auto", description="whether `no answer` may be given; auto: when the training data has unanswerable questions"
    )
    precision: Literal["fp32", "bf16"] = Field("fp32", description="bf16 is faster where the processor knows it")
    attention: Literal["sdpa", "eager"] = Field(
        "sdpa", description="on a CPU in bf16 the backward pass of eager attention is several times faster"
    )
    seed: int = Field(7, ge=0, le=LARGEST_SEED, description="seed of weights, order and draws")
    patience: int = Field(5, ge=1, le=MOST, description="evaluations without a better F1 after which training stops")
    evaluate_every: int = Field(500, ge=1, le=MOST, description="steps between evaluations")
    checkpoint_every: int = Field(500, ge=1, le=MOST, description="steps between checkpoints")
    log_every: int = Field(50, ge=1, le=MOST, description="steps between the losses in the learning curve")
    train_limit: int | None = Field(None, ge=1, le=MOST)
    validation_limit: int | None = Field(None, ge=1, le=MOST)
    threads: int | None = Field(None, ge=1, le=MOST_THREADS, description="torch's threads; default: every core")

    @model_validator(mode="after")
    def _has_one_length(self) -> TrainingSettings:
        if (self.epochs is None) == (self.steps is None):
            raise ValueError("give either epochs or steps")
        if self.warmup + self.decay > 1:
            raise ValueError("warmup and decay are shares of the same steps and together at most 1")
        if self.sources and self.data != "sample":
            raise ValueError("give either data or sources")
        try:
            self.window_settings()
        except ValidationError as error:
            raise ValueError("; ".join(problems_of(error.errors(), Settings))) from error
        return self

    def window_settings(self) -> Settings:
        """The settings under which this run's data is read and cut into windows."""
        shared = Settings.model_fields.keys() & type(self).model_fields.keys() - {"model"}
        return Settings(**{key: getattr(self, key) for key in shared})


def load_training_settings(path: Path) -> TrainingSettings:
    """The settings in a YAML file.

    Raises:
        SettingsError: for a file that cannot be read, an unknown key or a bad value.
    """
    values = read_yaml(path)
    if "scratch" in values:  # apart, so that the nearest key is looked for among its own
        values["scratch"] = validate(ScratchSettings, values["scratch"], f"{path}: scratch")
    if isinstance(values.get("sources"), list):
        values["sources"] = [
            validate(SourceSettings, source, f"{path}: source {number}") if isinstance(source, dict) else source
            for number, source in enumerate(values["sources"], 1)
        ]
    return validate(TrainingSettings, values, str(path))
