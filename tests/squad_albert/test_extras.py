from __future__ import annotations

import sys

import pytest

from squad_albert.extras import MissingExtraError, require


def test_what_is_there_passes_without_being_imported():
    before = "wave" in sys.modules
    require("train", "json", "wave")
    assert ("wave" in sys.modules) == before


def test_what_is_missing_is_named_with_the_command_that_installs_it():
    with pytest.raises(MissingExtraError, match=r"no_such_a, no_such_b, which are not .*pip install -e '\.\[train\]'"):
        require("train", "no_such_a", "json", "no_such_b")
