from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import settings as bounded
from hypothesis import strategies as st
from pydantic import BaseModel

from model.training_settings import TrainingSettings, load_training_settings
from project_config import ENVIRONMENT_PREFIX, MAX_CHARACTERS, ProjectError, Settings, SettingsError, load_settings
from squad_albert.bundle import read_leap_yaml

LONGEST_MESSAGE = 4000


@pytest.fixture(autouse=True)
def _no_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith(ENVIRONMENT_PREFIX)]:
        monkeypatch.delenv(name)


@pytest.fixture
def told(tmp_path: Path):
    """What is said of a settings file."""

    def told(text: str | bytes) -> str:
        path = tmp_path / "mine.yaml"
        path.write_bytes(text.encode() if isinstance(text, str) else text)
        with pytest.raises(SettingsError) as error:
            load_settings(path)
        assert len(str(error.value)) < LONGEST_MESSAGE
        assert "mine.yaml" in str(error.value)
        return str(error.value)

    return told


@pytest.fixture
def set_variables(monkeypatch: pytest.MonkeyPatch):
    def set_variables(**values: str) -> None:
        for name, value in values.items():
            monkeypatch.setenv(ENVIRONMENT_PREFIX + name, value)

    return set_variables


def bomb(levels: int = 12) -> str:
    lines = ["k0: &k0 [owl, owl, owl, owl, owl, owl, owl, owl]"]
    lines += [f"k{n}: &k{n} [{', '.join([f'*k{n - 1}'] * 8)}]" for n in range(1, levels)]
    return "\n".join([*lines, f"titles: *k{levels - 1}"])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("seed: [", "cannot be read as YAML: line 1, column 8: while parsing a flow node"),
        ("data: a: b", "line 1, column 8: mapping values are not allowed here"),
        ("seed: 3\ndata: 2020-13-45", "line 2, column 7: '2020-13-45' is no timestamp"),
        ("seed: !!int owl", "'owl' is no int"),
        ("seed: !!bool owl", "'owl' is no bool"),
        ("seed: !!timestamp owl", "'owl' is no timestamp"),
        ("seed: !!python/object:os.system {}", "could not determine a constructor"),
        ('data: "\\U00110000"', "cannot be read as YAML"),
        ('data: "\\ud800"', "an escape for what is no character"),
        ('data: "owls\\0"', "an escape for what is no character"),
        ("seed: " + "9" * 5000, "is no int"),
        ("seed: 0x" + "f" * 5000, "a number is too large"),
        ("titles: " + "[" * 100_000, "it nests more than 32 levels deep"),
        ("titles:\n" + "- " * 100, "it nests more than 32 levels deep"),
        ("titles: &a [*a]", "line 1, column 13: a value holds itself"),
        ("seed: 1\nseed: 2", "line 1, column 1: `seed` is given twice"),
        ("titles: [" + "owl, " * MAX_CHARACTERS + "]", "is longer than 262,144 characters"),
        ("[seed, 3]", "holds list, not `key: value` lines"),
        ("owls", "holds str, not"),
        ("1: 2", "the key 1 is no text"),
        ("2020-01-01: 2", "is no text"),
        (b"data: caf\xff", "cannot be read as YAML: 'utf-8' codec"),
        ("\n".join(f"owl{n}: 1" for n in range(500)), "and 490 more"),
        (f"{'o' * 900}: 1", "unknown setting `ooo"),
        (f"no_answer: {'o' * 50_000}", "`no_answer`: Input should be 'auto'"),
        ("no_answer_threshold: .nan", "`no_answer_threshold`: Input should be a finite number"),
        ("no_answer_threshold: -.inf", "`no_answer_threshold`: Input should be a finite number"),
    ],
)
def test_a_bad_file_is_told_in_one_short_message(told, text, message):
    assert message in told(text)


@pytest.mark.parametrize("text", [bomb(), bomb(60), "titles: &a [owl]\nmap: {<<: [*a, *a]}"])
def test_aliases_that_unfold_to_too_much_are_refused_at_once(told, text):
    started = time.process_time()
    told(text)
    assert time.process_time() - started < 5


def test_the_message_of_a_bomb_says_so(told):
    assert "its aliases unfold to more than 262,144 characters" in told(bomb())


def test_a_file_without_end_is_read_no_further():
    with pytest.raises(SettingsError, match="/dev/zero is longer than"):
        load_settings(Path("/dev/zero"))


def test_aliases_are_followed(tmp_path):
    (tmp_path / "mine.yaml").write_text("data: &owls owls\ntitles: [*owls, *owls]")
    found = load_settings(tmp_path / "mine.yaml")
    assert (found.data, found.titles) == ("owls", ["owls", "owls"])


def test_every_other_reader_of_yaml_is_as_careful(tmp_path):
    (tmp_path / "leap.yaml").write_text(bomb())
    for read in (load_training_settings, lambda path: read_leap_yaml(path.parent)):
        with pytest.raises(SettingsError, match="aliases unfold"):
            read(tmp_path / "leap.yaml")


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("DATA", "2020-13-45", "2020-13-45"),
        ("DATA", "1984", "1984"),
        ("DATA", "a: b", "a: b"),
        ("DATA", "[owls", "[owls"),
        ("MODEL", "no", "no"),
        ("MODEL", "null", "null"),
        ("MAX_LENGTH", "128", 128),
        ("NO_ANSWER_THRESHOLD", "-1e-1", -0.1),
        ("TRAIN_LIMIT", "null", None),
        ("TRAIN_LIMIT", "", None),
        ("TRAIN_LIMIT", "12", 12),
        ("CACHE", "", None),
        ("CACHE", "a: b", "a: b"),
        ("TITLES", "[Owls, 1984, no, 'a: b']", ["Owls", "1984", "no", "a: b"]),
        ("TITLES", "[]", []),
    ],
)
def test_a_variable_s_value_is_one_value_of_the_setting_s_type(set_variables, tmp_path, name, text, value):
    (tmp_path / "mine.yaml").write_text("overlap: 16\nmax_question_tokens: 16\ntrain_limit: 3\ncache: here")
    set_variables(**{name: text})
    assert getattr(load_settings(tmp_path / "mine.yaml"), name.lower()) == value


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("MAX_LENGTH", "many", "`max_length`: Input should be a valid integer"),
        ("MAX_LENGTH", "", "`max_length`: Input should be a valid integer"),
        ("DATA", "", "`data`: String should have at least 1 character"),
        ("MODEL", "", "`model`: String should have at least 1 character"),
        ("MAX_LENGTH", "[384]", "`max_length`: Input should be a valid integer"),
        ("MAX_LENGTH", "9" * 5000, "`max_length`: "),
        ("N_BEST", "1000000000000", "`n_best`: Input should be less than or equal to 1000"),
        ("N_BEST", "1e12", "`n_best`: Input should be "),
        ("THREADS", "1000000", "`threads`: Input should be less than or equal to 1024"),
        ("SEED", "4294967296", "`seed`: Input should be less than or equal to 4294967295"),
        ("NO_ANSWER_THRESHOLD", "inf", "`no_answer_threshold`: Input should be a finite number"),
        ("NO_ANSWER_THRESHOLD", "nan", "`no_answer_threshold`: Input should be a finite number"),
        ("NO_ANSWER", "maybe", "`no_answer`: Input should be 'auto', 'always' or 'never'"),
        ("TITLES", "Owls", "`titles` is a list, as [one, two]"),
        ("TITLES", "[[Owls]]", "`titles` is a list, as [one, two]"),
        ("TITLES", "", "`titles` is a list, as [one, two]"),
        ("TITLES", "[Owls", "cannot be read as YAML"),
        ("TITLES", bomb(), "aliases unfold"),
        ("DATA", "owls\udcff", "is not UTF-8 (given: 'owls\\udcff')"),
        ("TITLES", '["\\ud800"]', "what is no character"),
    ],
)
def test_a_bad_variable_is_named(set_variables, name, text, message):
    set_variables(**{name: text})
    with pytest.raises(SettingsError, match=f"^SQUAD_ALBERT_{name}:? ") as error:
        load_settings()
    assert message in str(error.value)
    assert "config.yaml" not in str(error.value)
    assert len(str(error.value)) < LONGEST_MESSAGE


def test_each_place_is_named_with_what_is_wrong_there(set_variables, tmp_path):
    path = tmp_path / "mine.yaml"
    path.write_text("seed: -1\noverlap: -1\nsed: 3")
    set_variables(MAX_LENGTH="many", THREADS="0", DATA="owls")
    with pytest.raises(SettingsError) as error:
        load_settings(path, {"map": "pie", "model": "owls", "train_limit": 0})
    parts = [part for part in str(error.value).split("; ") if ": `" in part or "unknown" in part]
    assert [part.split(": ")[0] for part in parts if ": `" in part] == [
        "SQUAD_ALBERT_MAX_LENGTH", str(path), "--limit", str(path), "SQUAD_ALBERT_THREADS", "--map",
    ]  # fmt: skip
    assert "unknown setting `sed`; did you mean `seed`?" in str(error.value)


def test_of_settings_that_contradict_each_other_the_changed_ones_are_named(set_variables, tmp_path):
    path = tmp_path / "mine.yaml"
    path.write_text("max_question_tokens: 64")
    set_variables(MAX_LENGTH="64", SEED="3")
    with pytest.raises(SettingsError, match=r"^SQUAD_ALBERT_MAX_LENGTH: max_length 64 leaves -3 context tokens"):
        load_settings(path)
    set_variables(MAX_LENGTH="384", ENGINE="onnxruntime")
    with pytest.raises(SettingsError, match=r"^SQUAD_ALBERT_ENGINE, --precision: engine onnxruntime has no"):
        load_settings(path, {"precision": "bf16"})


def test_contradictions_of_a_training_are_told_in_one_line():
    with pytest.raises(ValueError, match="max_length 64 leaves -3 context tokens") as error:
        TrainingSettings(model="scratch", steps=1, max_length=64)
    assert "1 validation error for Settings" not in str(error.value)


@pytest.mark.parametrize("model", [Settings, TrainingSettings])
def test_no_number_is_without_an_upper_bound(model: type[BaseModel]):
    schema = model.model_json_schema()
    for part in (schema, *schema.get("$defs", {}).values()):
        for name, field in part["properties"].items():
            for kind in field.get("anyOf", [field]):
                bounds = kind.keys() & {"maximum", "exclusiveMaximum"}
                assert kind.get("type") != "integer" or bounds, name


SCALARS = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.dates().map(str), st.text(max_size=20),
    st.sampled_from(["2020-13-45", "!!int x", "0x" + "f" * 40, ".nan", "*a", "&a b", "!!binary %", "<<", "1:99:1e9"]),
)  # fmt: skip
KEYS = st.one_of(st.sampled_from([*TrainingSettings.model_fields, *Settings.model_fields, "layers"]), SCALARS)
VALUES = st.recursive(
    SCALARS, lambda part: st.lists(part, max_size=4) | st.dictionaries(KEYS, part, max_size=4), max_leaves=12
)
PIECES = st.sampled_from(
    ["seed", "data", "titles", "scratch", ": ", ":", "\n", "  ", "- ", "[", "]", "{", "}", ",", "&a", "*a", "<<: ",
     "!!set", "!!omap", "!!pairs", "!!float", "!!null", "!!timestamp", "!!binary", "!x", "? ", "| ", "> ", "'", '"',
     "\\ud800", "\\x", "%YAML 9", "---", "...", "#", "\t", "\r", "\ufeff", "1e999", "0o9", "0b1", "12:61", "2001-99-99",
     "~", "=", "é", "🙂", "\x00"]
)  # fmt: skip


def flow(value: Any) -> str:
    """A value as YAML in one line, its texts as they are, so that they may mean anything."""
    if isinstance(value, list):
        return f"[{', '.join(map(flow, value))}]"
    if isinstance(value, dict):
        return f"{{{', '.join(f'{flow(key)}: {flow(part)}' for key, part in value.items())}}}"
    return "null" if value is None else str(value)


FILES = st.one_of(
    st.dictionaries(KEYS, VALUES, max_size=5).map(flow),
    st.lists(PIECES, max_size=25).map("".join),
    st.text(max_size=60),
).map(lambda text: text.encode("utf-8", "surrogatepass")) | st.binary(max_size=60)


@pytest.fixture(scope="module")
def any_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("fuzz") / "any.yaml"


@bounded(max_examples=600, deadline=None)
@given(content=FILES)
@example(content=b"scratch: {2020-01-01: 1}")
@example(content=b"titles: !!set {owls}")
@example(content=b"data: 1:99:1e9")
@example(content=b"seed: 190:20:30:" + b"59:" * 300 + b"0.5")
def test_whatever_a_file_holds_is_read_or_told(any_file, content):
    any_file.write_bytes(content)
    for read in (load_settings, load_training_settings):
        try:
            read(any_file)
        except ProjectError as error:
            assert len(str(error)) < LONGEST_MESSAGE
            assert "Traceback" not in str(error)


@bounded(max_examples=300, deadline=None)
@given(key=st.sampled_from(list(Settings.model_fields)), text=VALUES.map(flow) | PIECES | st.text(max_size=40))
def test_whatever_a_variable_holds_is_read_or_told(key, text):
    name = ENVIRONMENT_PREFIX + key.upper()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "environ", {**os.environ, name: text})  # more than a real one may hold: a zero, a surrogate
        try:
            load_settings()
        except ProjectError as error:
            assert str(error).startswith((name, f"{name}: "))
            assert len(str(error)) < LONGEST_MESSAGE
