"""Hub datasets with SQuAD's columns, fetched through `datasets`."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Collection
from typing import Any

from .questions import SPLITS, DataError, Question
from .squad_checks import Checker
from .squad_files import check_columns, read_rows, split_named

_HUB_ID = re.compile(r"(?P<id>[\w.-]+/[\w.-]+?)(?::(?P<config>[\w.-]+))?")
_ROWS_AT_ONCE = 8192
_LOCAL_FILES = (
    "To use local files instead, fetch the Parquet or JSON files elsewhere, put them into a folder "
    "as train.parquet and validation.parquet, and name that folder as `data`."
)


def is_hub_id(name: str) -> bool:
    """Whether a name has the form of a hub dataset: ``owner/name`` or ``owner/name:configuration``.

    >>> is_hub_id("rajpurkar/squad_v2"), is_hub_id("google/xquad:xquad.en"), is_hub_id("dev.json")
    (True, True, False)
    """
    return bool(_HUB_ID.fullmatch(name)) and not name.startswith(".")


def read_hub(name: str, splits: Collection[str]) -> tuple[dict[str, list[Question]], list[str]]:
    """The wanted splits that a hub dataset has, and warnings.

    A token for gated datasets is taken from the environment variable ``AUTH_SECRET``; without it,
    the hub client's own login is used.

    Raises:
        DataError: if the dataset cannot be had or its rows have problems.
    """
    data: dict[str, list[Question]] = {}
    warnings: list[str] = []
    for hub_name, rows in _fetch(name).items():
        split, source = split_named(hub_name), f"{name}, split {hub_name}"
        if split is None:
            warnings.append(f"{source}: not read, as it is none of {', '.join(SPLITS)}")
        elif split in data:
            raise DataError(
                f"{name} has two splits that mean {split}. Save the one to use as Parquet, and name the file."
            )
        elif split in splits:
            checker = Checker(source, title=name)
            columns = check_columns(rows.column_names, checker)
            batches = rows.select_columns(columns).with_format("arrow").iter(_ROWS_AT_ONCE)
            read_rows((row for batch in batches for row in batch.to_pylist()), checker)
            data[split] = checker.finish()
            warnings += checker.warnings()
    if not data:
        raise DataError(f"{name} has no split named {', '.join(splits)}. Name another dataset. {_LOCAL_FILES}")
    return {split: data[split] for split in SPLITS if split in data}, warnings


def _fetch(name: str) -> dict[str, Any]:
    import datasets
    from datasets.exceptions import DatasetNotFoundError, DatasetsError

    match = _HUB_ID.fullmatch(name)
    if match is None:
        raise DataError(f"`{name}` is no hub dataset. Write owner/name, for example rajpurkar/squad.")
    if not sys.stderr.isatty():
        datasets.disable_progress_bars()
    try:
        found = datasets.load_dataset(match["id"], match["config"], token=os.environ.get("AUTH_SECRET") or None)
    except DatasetNotFoundError as error:
        raise DataError(
            f"No dataset `{name}`: there is no such file or folder here, and the hub says: {error} Check the name; "
            f"for a gated dataset ask for access and set AUTH_SECRET to a hub token. {_LOCAL_FILES}"
        ) from error
    except (ConnectionError, TimeoutError) as error:
        raise DataError(
            f"`{name}` is no file or folder here, and the hub is unreachable: {error}. "
            f"Check the network, HF_ENDPOINT and HF_HUB_OFFLINE. {_LOCAL_FILES}"
        ) from error
    except (DatasetsError, OSError, ValueError, RuntimeError) as error:
        raise DataError(
            f"The hub dataset `{name}` cannot be loaded: {error}. Name a configuration as "
            f"owner/name:configuration, and let HF_HOME be a folder that can be written. {_LOCAL_FILES}"
        ) from error
    return dict(found)
