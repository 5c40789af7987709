"""``squad-albert check``: the proof of the integration, what is odd about the data, and the bundle that is pushed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

import leap_test
from project_config import ROOT
from utils.reach import OutOfReach, out_of_reach
from utils.squad import Leak, leakage

from .bundle import BundleResult, check_bundle
from .proof import Proof

_SHOWN = 3  # ids


@dataclass(frozen=True)
class Report:
    """What ``check`` found; leakage and golds that are part of a word or out of reach are told, but are no failure."""

    proof: Proof
    leaks: Sequence[Leak]
    unrecoverable: Mapping[str, Sequence[str]]  # questions by split, with a gold whose tokens do not give back its text
    unreachable: Mapping[str, OutOfReach]
    bundle: BundleResult | None = None

    @property
    def ok(self) -> bool:
        """Whether the integration may be pushed, as far as was checked."""
        return self.proof.ok and (self.bundle is None or self.bundle.ok)

    @property
    def lines(self) -> list[str]:
        """The report as a person reads it."""
        lines = [*self.proof.lines(), ""]
        if self.proof.data:
            lines += [str(leak) for leak in self.leaks] or ["leakage: no two splits share a context, question or id"]
            lines += [
                f"golds: in {split}, the tokens of a gold of {len(ids):,} questions are more than its text, "
                f"e.g. {', '.join(ids[:_SHOWN])}"
                for split, ids in self.unrecoverable.items()
                if ids
            ]
            lines += [line for split, found in self.unreachable.items() for line in found.lines(split)]
        if self.bundle is None:
            return [*lines, "Next: `squad-albert check --bundle` tries out the files that `leap push` would upload."]
        size = self.bundle.bytes / 1e6
        lines.append(f"bundle: {len(self.bundle.files)} files, {size:.1f} MB packed, in a process of its own")
        if self.bundle.ok:
            lines.append("bundle: " + ", ".join(f"{size:,} {split}" for split, size in self.bundle.sizes.items()))
            lines.append(f"bundle: it works with {', '.join(self.bundle.distributions)} and nothing else")
        return [*lines, *(f"FAILED: bundle: {problem}" for problem in self.bundle.problems)]

    def as_dict(self) -> dict[str, Any]:
        """The report for JSON."""
        return {
            "ok": self.ok,
            "integration": self.proof.as_dict(),
            "leakage": [asdict(leak) for leak in self.leaks],
            "unrecoverable": {split: list(ids) for split, ids in self.unrecoverable.items()},
            "unreachable": {
                split: {"too_long": list(found.too_long), "in_no_window": list(found.in_no_window)}
                for split, found in self.unreachable.items()
            },
            "bundle": self.bundle.as_dict() if self.bundle else None,
        }


def check(bundle: bool = False, root: Path = ROOT) -> Report:
    """Proves the integration, and with ``bundle`` also what ``leap push`` would upload.

    Args:
        bundle: make the bundle and run the engine's check on it alone.
        root: the folder of ``leap.yaml``.

    Raises:
        BundleError: if ``leap.yaml`` is not in order, or the bundle cannot be made.
    """
    proof = leap_test.prove(root)
    splits = {name: samples.split for name, samples in proof.data.items()}
    leaks = leakage({name: split.questions for name, split in splits.items()})
    unrecoverable = {
        name: [split.questions[number].id for number in np.unique(split.windows.unrecoverable[:, 0])]
        for name, split in splits.items()
    }
    unreachable = {
        name: out_of_reach(split.questions, split.windows, proof.data[name].settings) for name, split in splits.items()
    }
    return Report(proof, leaks, unrecoverable, unreachable, check_bundle(root) if bundle else None)
