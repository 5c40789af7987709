"""Heavy dependencies are extras; a command that lacks its own says how to install them."""

from __future__ import annotations

from importlib.util import find_spec

from project_config import ProjectError


class MissingExtraError(ProjectError):
    """A command needs packages that are not installed."""


def require(extra: str, *modules: str) -> None:
    """Checks that modules can be imported, without importing them.

    Args:
        extra: the extra in pyproject.toml that brings the modules.
        modules: their top-level names.

    Raises:
        MissingExtraError: naming the modules and the command that installs them.

    >>> require("train", "json", "no_such_module")
    Traceback (most recent call last):
    squad_albert.extras.MissingExtraError: this needs no_such_module, which is not installed. ...
    """
    missing = [name for name in modules if find_spec(name) is None]
    if missing:
        raise MissingExtraError(
            f"this needs {', '.join(missing)}, which {'is' if len(missing) == 1 else 'are'} not installed. "
            f"Install the extra in the checkout: `make install-{extra}`, or pip install -e '.[{extra}]'"
        )
