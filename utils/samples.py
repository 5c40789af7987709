"""The splits as the engine gets them: questions, windows and metadata of each, loaded once for a process."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from tokenizers import Tokenizer

from project_config import ROOT, Settings

from .encoders import SplitData
from .metadata import SplitMetadata
from .questions import has_unanswerable
from .squad import load_data
from .windows import build_windows, load_tokenizer


@dataclass(frozen=True)
class Samples:
    """What a ``PreprocessResponse`` carries, and every handler looks up in."""

    split: SplitData
    metadata: SplitMetadata
    tokenizer: Tokenizer
    settings: Settings  # with ``no_answer`` decided for the whole data, not for one split of it

    @property
    def ids(self) -> list[str]:
        """The ids of all samples, in order."""
        return list(self.split.row_of)

    def row(self, sample_id: str) -> int:
        """The window that a sample is."""
        return self.split.row_of[sample_id]


def load_samples(settings: Settings) -> dict[str, Samples]:
    """Every split of the data that the settings name, tokenised by the model's own tokenizer.

    Raises:
        DataError: if the data cannot be used.
        TokenizerError: if the model folder has no tokenizer that suits.
    """
    tokenizer = load_tokenizer(model_folder(settings))
    data = load_data(settings)
    if settings.no_answer == "auto" and any(map(has_unanswerable, data.values())):
        settings = settings.model_copy(update={"no_answer": "always"})
    samples = {}
    for name, questions in data.items():
        windows = build_windows(questions, tokenizer, settings, progress=True)
        samples[name] = Samples(
            SplitData.of(questions, windows), SplitMetadata(questions, windows), tokenizer, settings
        )
    return samples


def model_folder(settings: Settings) -> Path:
    """The folder that the setting ``model`` names, seen from the working directory or else from the project."""
    path = Path(settings.model).expanduser()
    return path if path.is_dir() else ROOT / path
