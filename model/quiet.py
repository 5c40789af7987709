"""TensorFlow without its greetings, which tell of processors and graphics cards on every start."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def quiet_tensorflow() -> Iterator[None]:
    """Imports in here print nothing, neither now nor when TensorFlow looks for devices later.

    For what imports TensorFlow, as umap does, too. Some messages come before any setting counts, from C++, so the file
    descriptor of standard error is set aside; errors are raised as ever.

    Example:
        >>> with quiet_tensorflow():
        ...     import json
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    sys.stderr.flush()
    kept, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)
