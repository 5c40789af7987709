"""The interfaces that an entry file has registered with code-loader, and the calls to them.

Code-loader keeps one register for a process, and its decorators hide the function they decorate
in closures. Both are looked through here and nowhere else.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from types import FunctionType
from typing import Any

from model.quiet import quiet_tensorflow

from .proof import Interface

_LOAD_MODEL = "tensorleap_load_model"
_STORES = ("_STORED_WARNINGS", "_STORED_WARNING_KEYS", "_PARAM_DEFAULT_FUNCS", "_PARAM_DEFAULT_VALUE")


@contextmanager
def fresh_register() -> Iterator[Any]:
    """Code-loader's register, emptied, so that an entry file can be run again in a process; restores ``sys.path``."""
    from code_loader.inner_leap_binder import global_leap_binder, leapbinder_decorators
    from code_loader.inner_leap_binder.leapbinder import LeapBinder

    vars(global_leap_binder).update(vars(LeapBinder()))
    for store in _STORES:
        getattr(leapbinder_decorators, store).clear()
    path = list(sys.path)
    try:
        yield global_leap_binder
    finally:
        sys.path[:] = path


def stored_warnings() -> list[str]:
    """What code-loader would print at the end of the process: defaults that were relied on, and odd visualizers."""
    from code_loader.inner_leap_binder import leapbinder_decorators

    defaults = leapbinder_decorators._get_param_default_warnings()
    found = [
        f"{', '.join(sorted(use['funcs']))} relies on a default, {name} = {use['default_value']}. Set it explicitly."
        for name, use in sorted(defaults.items())
    ]
    return found + [f"code-loader warns: {one['message']}" for one in leapbinder_decorators._get_stored_warnings()]


def is_mapping() -> bool:
    """Whether code-loader runs the integration test with placeholders just now."""
    from code_loader.inner_leap_binder.leapbinder import mapping_runtime_mode_env_var_mame

    return mapping_runtime_mode_env_var_mame in os.environ


def registered(binder: Any) -> list[Interface]:
    """Every interface of the entry file, in a fixed order of kinds; code-loader's own are left out."""
    from code_loader.inner_leap_binder.leapbinder import LeapBinder

    names = {kind: {name for name, _ in some} for kind, some in _handlers(LeapBinder().setup_container).items()}
    namespace = binder.integration_test_func.__globals__
    truth = _needing_truth(binder)
    return [
        Interface(kind, name, _defined(handler, namespace), kind == "ground truth" or (kind, name) in truth)
        for kind, some in _handlers(binder.setup_container).items()
        for name, handler in some
        if name not in names[kind]
    ]


def _handlers(setup: Any) -> dict[str, list[tuple[str, Any]]]:
    return {
        "preprocess": [("preprocess", setup.preprocess.function)] if setup.preprocess else [],
        "input": [(one.name, one.function) for one in setup.inputs],
        "ground truth": [(one.name, one.function) for one in setup.ground_truths],
        "prediction": [(one.name, None) for one in setup.prediction_types],
        "loss": [(one.custom_loss_handler_data.name, one.function) for one in setup.custom_loss_handlers],
        "metric": [(one.metric_handler_data.name, one.function) for one in setup.metrics],
        "metadata": [(one.name, one.function) for one in setup.metadata],
        "visualizer": [(one.visualizer_handler_data.name, one.function) for one in setup.visualizers],
        "latent space": [(name, one.function) for name, one in setup.custom_latent_spaces.items()],
    }


def _needing_truth(binder: Any) -> set[tuple[str, str]]:
    from code_loader.contract.mapping import NodeMappingType

    kinds = {NodeMappingType.CustomLoss: "loss", NodeMappingType.Metric: "metric"}
    return {
        (kinds[connection.node.type], connection.node.name)
        for connection in binder.mapping_connections
        if connection.node.type in kinds
        and any(source.type is NodeMappingType.GroundTruth for source in connection.node_inputs.values())
    }


def _defined(handler: Any, namespace: dict[str, Any]) -> str:
    """The name under which the entry file defines the function that a handler wraps, "" if it does not."""
    queue, seen = [handler], set[int]()
    while queue:
        function = queue.pop(0)
        if not isinstance(function, FunctionType) or id(function) in seen:
            continue
        if function.__globals__ is namespace:
            return function.__name__
        seen.add(id(function))
        queue += [cell.cell_contents for cell in function.__closure__ or ()]
    return ""


def load_model(namespace: dict[str, Any]) -> Any:
    """The model, as the decorated function of an entry file loads it."""
    return next(value for value in namespace.values() if _decorated_by(value) == _LOAD_MODEL)()


def _decorated_by(value: Any) -> str:
    """The decorator that made a function, "" for anything else."""
    decorator, _, inside = getattr(value, "__qualname__", "").partition(".<locals>.")
    return decorator if inside else ""


class Recorder:
    """Stands between an integration test and the interfaces it calls, and writes down what they give back.

    Args:
        interfaces: what is registered.
        namespace: the globals of the entry file.
        on_strange: told of values that are not finite, as ``on_strange(split, names)``.
    """

    def __init__(
        self,
        interfaces: list[Interface],
        namespace: dict[str, Any],
        on_strange: Callable[[str, list[str]], None],
    ) -> None:
        self.split = ""
        self.calling: Interface | None = None
        self._namespace = namespace
        self._on_strange = on_strange
        self._by_function = {one.function: one for one in interfaces if one.function}
        self._predictions = [one for one in interfaces if one.kind == "prediction"]

    @contextmanager
    def installed(self) -> Iterator[None]:
        """Puts the recorder into the entry file's globals, and takes it out again."""
        original = dict(self._namespace)
        for name, value in original.items():
            if _decorated_by(value) == _LOAD_MODEL:
                self._namespace[name] = self._loading(value)
            elif name in self._by_function:
                self._namespace[name] = self._recording(value, self._by_function[name])
        try:
            yield
        finally:
            self._namespace.update(original)

    def take(self, interface: Interface, value: Any) -> None:
        """Writes down a value that an interface gave back."""
        strange = interface.take(self.split, value)
        if strange:
            self._on_strange(self.split, strange)

    def _recording(self, function: Any, interface: Interface) -> Any:
        @wraps(function)
        def recording(*arguments: Any, **named: Any) -> Any:
            if is_mapping():
                return function(*arguments, **named)
            self.calling = interface
            value = function(*arguments, **named)
            self.calling = None
            self.take(interface, value)
            return value

        return recording

    def _loading(self, function: Any) -> Any:
        @wraps(function)
        def loading() -> Any:
            if is_mapping():
                return function()
            self.calling = next(iter(self._predictions), None)
            with quiet_tensorflow():  # which code-loader imports to look at the model, where it is installed
                model = function()
            self.calling = None
            return _Model(model, self)

        return loading

    def took_predictions(self, values: list[Any]) -> None:
        """Writes down what the model gave."""
        for interface, value in zip(self._predictions, values, strict=True):
            self.take(interface, value)


class _Model:
    """The loaded model, its outputs written down."""

    def __init__(self, model: Any, recorder: Recorder) -> None:
        self._model = model
        self._recorder = recorder

    def run(self, *arguments: Any) -> Any:
        values = self._model.run(*arguments)
        self._recorder.took_predictions(values)
        return values

    def __getattr__(self, name: str) -> Any:
        return getattr(self._model, name)
