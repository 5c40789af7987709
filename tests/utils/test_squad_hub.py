"""The hub's part, tried on a look-alike on loopback in a process of its own.

`datasets` reads HF_ENDPOINT and HF_HOME when it is imported, hence the other process.
"""

from __future__ import annotations

import hashlib
import http.server
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from pyarrow import parquet

from tests.conftest import ROOT
from utils.squad import DataError
from utils.squad_hub import is_hub_id, read_hub

COMMIT = "1" * 40
TOKEN = "hf_owl"
READ_ALL = """
import json, sys
from project_config import Settings
from utils.squad import DataError, load_data
found = {}
for name in sys.argv[1:]:
    warnings = []
    try:
        data = load_data(Settings(data=name), warnings=warnings)
        found[name] = [{split: [q.id for q in questions] for split, questions in data.items()}, warnings]
    except DataError as error:
        found[name] = str(error)
print(json.dumps(found))
"""


class Hub(http.server.BaseHTTPRequestHandler):
    """Answers what `datasets` asks of the hub, from folders `owner/name` below `root`."""

    root: Path
    tokens: dict[str, set[str | None]]

    def do_GET(self) -> None:
        parts = self.path.split("?")[0].strip("/").split("/")
        if parts[0] == "api":
            parts = parts[1:]
        if parts[0] != "datasets" or len(parts) < 3:
            return self.reply(404)
        name, rest = "/".join(parts[1:3]), parts[3:]
        self.tokens.setdefault(name, set()).add(self.headers.get("Authorization"))
        if not (self.root / name).is_dir():
            return self.reply(404, error="RepoNotFound")
        if name == "owls/gated" and self.headers.get("Authorization") != f"Bearer {TOKEN}":
            return self.reply(403, error="GatedRepo")
        path = self.root.joinpath(name, *rest[2:])
        if rest[:1] == ["resolve"]:
            return self.reply(200, path.read_bytes()) if path.is_file() else self.reply(404, error="EntryNotFound")
        if rest[:1] == ["tree"]:
            if not path.is_dir():
                return self.reply(404, error="EntryNotFound")
            return self.reply(200, json.dumps([self.entry(child, name) for child in path.iterdir()]).encode())
        info = {
            "id": name,
            "sha": COMMIT,
            "private": False,
            "gated": False,
            "disabled": False,
            "tags": [],
            "siblings": [],
        }
        return self.reply(200, json.dumps({**info, "downloads": 0, "likes": 0}).encode())

    do_HEAD = do_GET  # noqa: N815

    def entry(self, path: Path, name: str) -> dict[str, Any]:
        size = path.stat().st_size if path.is_file() else 0
        sort = "file" if path.is_file() else "directory"
        return {"type": sort, "path": str(path.relative_to(self.root / name)), "size": size, "oid": "2" * 40}

    def reply(self, code: int, body: bytes = b"", error: str = "") -> None:
        self.send_response(code)
        self.send_header("X-Repo-Commit", COMMIT)
        self.send_header("ETag", f'"{hashlib.sha1(body).hexdigest()}"')
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Content-Type", "application/json")
        if error:
            self.send_header("X-Error-Code", error)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Keeps the test's output clean."""


def dataset(folder: Path, *, configurations: tuple[str, ...] = ("plain_text",), **splits: int) -> None:
    """A folder in the hub's layout with Parquet files of so many questions a split."""
    folder.mkdir(parents=True)
    lines = ["---", "configs:"]
    for configuration in configurations:
        (folder / configuration).mkdir()
        lines += [f"- config_name: {configuration}", "  data_files:"]
        for split, count in splits.items():
            rows = [row(f"{configuration}-{split}-{number}") for number in range(count)]
            parquet.write_table(pa.Table.from_pylist(rows), folder / configuration / f"{split}-00000-of-00001.parquet")
            lines += [f"  - split: {split}", f"    path: {configuration}/{split}-*"]
    (folder / "README.md").write_text("\n".join([*lines, "---", "# Owls"]))


def row(key: str) -> dict[str, Any]:
    answers = {"text": ["owl"], "answer_start": [3]}
    return {"id": key, "title": "Owls", "context": f"An owl: {key}.", "question": f"What is {key}?", "answers": answers}


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[type[Hub]]:
    root = tmp_path_factory.mktemp("hub")
    dataset(root / "owls/plain", train=3, validation=2)
    dataset(root / "owls/gated", train=1, dev=1, odd=1)
    dataset(root / "owls/many", configurations=("owls", "eels"), validation=1)
    (root / "owls/other/data").mkdir(parents=True)
    parquet.write_table(pa.table({"text": ["owl"]}), root / "owls/other/data/train-00000-of-00001.parquet")
    (root / "owls/bad/data").mkdir(parents=True)
    bad = pa.Table.from_pylist([row("a"), {**row("b"), "question": ""}])
    parquet.write_table(bad, root / "owls/bad/data/train-00000-of-00001.parquet")
    handler = type("TestHub", (Hub,), {"root": root, "tokens": {}})
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        handler.endpoint = f"http://127.0.0.1:{server.server_address[1]}"  # type: ignore[attr-defined]
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield handler
        server.shutdown()


def read_all(names: list[str], home: Path, **variables: str) -> dict[str, Any]:
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("HF_", "AUTH_SECRET", "HUGGING"))}
    environment = kept | {"HF_HOME": str(home), "PYTHONPATH": str(ROOT), "NO_PROXY": "127.0.0.1"} | variables
    done = subprocess.run(
        [sys.executable, "-c", READ_ALL, *names], env=environment, cwd=home, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_datasets_of_the_hub(hub: Any, tmp_path: Path) -> None:
    names = ["owls/plain", "owls/gated", "owls/many", "owls/many:eels", "owls/other", "owls/bad", "owls/none"]
    found = read_all(names, tmp_path, HF_ENDPOINT=hub.endpoint, AUTH_SECRET=TOKEN)
    train, validation = [f"plain_text-train-{n}" for n in range(3)], [f"plain_text-validation-{n}" for n in range(2)]
    assert found["owls/plain"] == [{"train": train, "validation": validation}, []]
    assert found["owls/gated"] == [
        {"train": ["plain_text-train-0"], "validation": ["plain_text-dev-0"]},
        ["owls/gated, split odd: not read, as it is none of train, validation, test, unlabeled"],
    ]
    assert "Bearer hf_owl" in hub.tokens["owls/gated"]
    assert found["owls/many"].startswith("The hub dataset `owls/many` cannot be loaded: ")
    assert "owner/name:configuration" in found["owls/many"]
    assert found["owls/many:eels"] == [{"validation": ["eels-validation-0"]}, []]
    assert "owls/other, split train is of the wrong kind: it has no column id, context" in found["owls/other"]
    assert "owls/bad, split train has 1 problem:\n  row 2 (Owls), question b: `question` is empty" in found["owls/bad"]
    assert found["owls/none"].startswith(
        "No dataset `owls/none`: there is no such file or folder here, and the hub says"
    )


def test_a_gated_dataset_without_a_token_and_a_hub_out_of_reach(hub: Any, tmp_path: Path) -> None:
    found = read_all(["owls/gated"], tmp_path, HF_ENDPOINT=hub.endpoint)
    assert found["owls/gated"].startswith("No dataset `owls/gated`")
    assert "set AUTH_SECRET to a hub token" in found["owls/gated"]
    found = read_all(["owls/plain"], tmp_path, HF_ENDPOINT=hub.endpoint, HF_HUB_OFFLINE="1")
    assert found["owls/plain"].startswith("`owls/plain` is no file or folder here, and the hub is unreachable: ")
    assert "name that folder as `data`" in found["owls/plain"]


@pytest.mark.parametrize(
    ("name", "is_id"),
    [
        ("rajpurkar/squad", True),
        ("rajpurkar/squad_v2", True),
        ("google/xquad:xquad.en", True),
        ("squad", False),
        ("./squad/x", False),
        ("../squad", False),
        ("/work/squad", False),
        ("a/b/c", False),
        ("a/b:", False),
    ],
)
def test_what_a_hub_id_looks_like(name: str, is_id: bool) -> None:
    assert is_hub_id(name) is is_id


def test_a_name_that_is_no_hub_id_is_refused() -> None:
    with pytest.raises(DataError, match=r"`squad` is no hub dataset. Write owner/name"):
        read_hub("squad", ["train"])
