"""The local proof of the integration: ``poetry run test``, ``python leap_test.py``, ``squad-albert check``.

The engine's own check looks at the first sample of each split and never loads the model. So after
it, the integration test runs here on several samples of every split, what each interface gave back
is written down, and the engine's own calls are rehearsed. What would fail on the platform, or
mislead there, fails here.
"""

from __future__ import annotations

import io
import os
import sys
import traceback
import warnings
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

from project_config import ROOT, ProjectError
from squad_albert.bundle import read_leap_yaml
from squad_albert.interfaces import Recorder, fresh_register, load_model, registered, stored_warnings
from squad_albert.proof import Proof
from squad_albert.rehearsal import rehearse

SAMPLES = 6
"""Samples of a split that go through the integration test."""

REMEDIES = {
    "input": "Decorate a function with @tensorleap_input_encoder for each input of the model.",
    "ground truth": "Decorate a function with @tensorleap_gt_encoder.",
    "prediction": "Give @tensorleap_load_model a PredictionTypeHandler for each output of the model.",
    "loss": "Decorate a function with @tensorleap_custom_loss: without one a push fails at `Testing Loss`.",
    "metric": "Decorate a function with @tensorleap_custom_metric.",
    "metadata": "Decorate a function with @tensorleap_metadata.",
    "visualizer": "Decorate a function with @tensorleap_custom_visualizer.",
}
"""Kinds of interface of which an integration has at least one, and what to do without."""


_NOT_FINITE = (
    "in the {} split {} is not finite. Mend the function: on the platform such a value breaks what is averaged."
)


def main() -> None:
    """Proves what ``leap.yaml`` pushes and prints the result; exit code 1 if anything fails, 2 if it cannot start."""
    try:
        proof = prove()
    except ProjectError as error:
        print(error, file=sys.stderr)
        sys.exit(2)
    print("\n".join(proof.lines()))
    sys.exit(0 if proof.ok else 1)


def prove(root: Path = ROOT) -> Proof:
    """Runs the engine's check on what ``leap.yaml`` names, then the integration test on samples of every split.

    Args:
        root: the folder of ``leap.yaml``.

    Raises:
        BundleError: if ``leap.yaml`` is not in order.
    """
    os.environ.setdefault("TL_DISABLE_ANALYTICS", "1")
    proof = Proof(read_leap_yaml(root).entry)
    with fresh_register() as binder, warnings.catch_warnings(record=True) as caught, redirect_stdout(io.StringIO()):
        warnings.simplefilter("always")
        loader = _engine_check(root, proof)
        if loader is not None and _find_interfaces(binder, proof):
            _integration_test(loader, binder, proof)
        for warning in caught:
            if "code_loader" in warning.filename:
                proof.add(f"code-loader warns: {warning.message}")
        for stored in stored_warnings():
            proof.add(stored)
    return proof


def choose_samples(response: Any, count: int = SAMPLES) -> list[str]:
    """Ids of a split that are unlike each other: of one and several windows, with and without an answer in them.

    Args:
        response: a ``PreprocessResponse`` that carries ``Samples``.
        count: how many, at most.
    """
    ids, split = response.sample_ids, response.data.split
    windows = split.windows
    kinds: dict[tuple[bool, ...], str] = {}
    for sample in ids:
        row = split.row_of[sample]
        several, later = bool(windows.count[row] > 1), bool(windows.index[row] > 0)
        kinds.setdefault((several, later, bool(windows.holds_answer[row]), split.question(sample).answerable), sample)
    spread = ids[:: max(1, len(ids) // count)]
    return list(dict.fromkeys([*kinds.values(), ids[-1], *spread]))[:count]


def _engine_check(root: Path, proof: Proof) -> Any:
    """The engine's own check. Returns its loader, None where nothing further can be tried."""
    from code_loader import LeapLoader

    loader = LeapLoader(code_path=str(root.resolve()), code_entry_name=proof.entry)
    result = loader.check_dataset()
    failed = [payload for payload in result.payloads if not payload.is_passed]
    for payload in failed:
        for where, text in payload.display.items():
            proof.add(f"the engine's check of {payload.name} fails ({where}): {text.splitlines()[0]}")
    if result.general_error:
        proof.add(f"{proof.entry} cannot be run: {_script_error(result.general_error)}")
    elif not result.is_valid and not failed:
        proof.add(f"the engine's check fails without a reason. It printed: {result.print_log}")
    if result.general_error or any(payload.name == "preprocess" for payload in failed):
        return None
    for state, response in loader._preprocess_result().items():
        proof.sizes[state.name] = len(response)
        proof.samples[state.name] = choose_samples(response)
        proof.data[state.name] = response.data
    return loader


def _find_interfaces(binder: Any, proof: Proof) -> bool:
    """Whether there is an integration test to run; notes the interfaces, and which kinds are missing."""
    if binder.integration_test_func is None:
        proof.add(f"{proof.entry} has no integration test. Decorate one with @tensorleap_integration_test().")
        return False
    proof.interfaces = registered(binder)
    kinds = {one.kind for one in proof.interfaces}
    for kind, remedy in REMEDIES.items():
        if kind not in kinds:
            proof.add(f"{proof.entry} has no {kind}. {remedy}")
    return True


def _integration_test(loader: Any, binder: Any, proof: Proof) -> None:
    """Runs the integration test, and what the engine itself calls, on the chosen samples of every split."""
    namespace = binder.integration_test_func.__globals__
    recorder = Recorder(
        proof.interfaces, namespace, lambda split, names: proof.add(_NOT_FINITE.format(split, ", ".join(names)))
    )
    preprocess = next(one for one in proof.interfaces if one.kind == "preprocess")
    with recorder.installed():
        for state, response in loader._preprocess_result().items():
            recorder.split = state.name
            recorder.take(preprocess, len(response))
            tries = (_try_sample(binder, recorder, sample, response) for sample in proof.samples[state.name])
            problem = next(filter(None, tries), "")  # the first of a split says enough
            if problem:
                proof.add(problem)
    for one in proof.interfaces:
        if not one.calls and proof.ok:
            proof.add(f"{one.kind} {one.name} is missing from the integration test. Call it there, as the others are.")
    if proof.ok:
        _rehearse(loader, binder, proof)


def _try_sample(binder: Any, recorder: Recorder, sample: str, response: Any) -> str:
    """What goes wrong when the integration test runs on a sample, "" if nothing does."""
    test = binder.integration_test_func
    recorder.calling = None
    try:
        test.__globals__[test.__name__](sample, response)
    except Exception as error:  # whatever a handler raises is what is to be reported
        one = recorder.calling
        place = f"{one.kind} {one.name}" if one else "the integration test"
        return f"{place} fails on {recorder.split} sample {sample}: {_where(error)}"
    return ""


def _rehearse(loader: Any, binder: Any, proof: Proof) -> None:
    model = load_model(binder.integration_test_func.__globals__)
    for state in loader._preprocess_result():
        for problem in rehearse(loader, binder.mapping_connections, model, state, proof.samples[state.name]):
            proof.add(problem)


def _where(error: BaseException) -> str:
    """The error, and the innermost line of the project that it passed."""
    frames = traceback.extract_tb(error.__traceback__)
    ours = [frame for frame in frames if "site-packages" not in frame.filename]
    frame = (ours or frames)[-1]
    return f"{type(error).__name__}: {error} Mend {Path(frame.filename).name}, line {frame.lineno}."


def _script_error(text: str) -> str:
    """What the entry file raised, without code-loader's traceback; it ends in `(raised at leap_binder.py, line 1)`."""
    error = text.rpartition("DatasetScriptException: ")[2].strip()
    if "TempMapping" in error or "Placeholder" in error:
        error += " The integration test may only call decorated functions: move all other code into them."
    return error


if __name__ == "__main__":
    main()
