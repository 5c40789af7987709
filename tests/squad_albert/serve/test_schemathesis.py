"""What the OpenAPI document promises holds: schemathesis tries every operation, valid and invalid, with every check."""

from __future__ import annotations

import re
import subprocess
import sys

CONFIG = """
[parameters]
"path.run" = "tiny"
"path.id" = "validation-11"
"path.cluster" = 1
"path.index" = 1
"""
"""Names that exist, so that more is met than 404."""


def test_every_check_passes_on_every_operation(address, tmp_path):
    (tmp_path / "schemathesis.toml").write_text(CONFIG)
    command = [sys.executable, "-c", "from schemathesis.cli import schemathesis; schemathesis()", "run"]
    options = {
        "checks": "all",
        "seed": "7",
        "max-examples": "3",
        "phases": "examples,coverage,fuzzing,stateful",
        "max-response-time": "120",  # a machine may be busy; how fast answers are is for bench.serve
        "request-timeout": "120",
        "suppress-health-check": "all",
    }
    arguments = [f"--{name}={value}" for name, value in options.items()]
    done = subprocess.run(
        [*command, f"{address}/openapi.json", "--no-color", *arguments],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-8000:] + done.stderr[-2000:]
    tested = re.search(r"Selected: (\d+)/(\d+)\s+Tested: (\d+)", done.stdout)
    assert tested is not None
    assert tested[1] == tested[2] == tested[3]
    assert int(tested[1]) >= 24
