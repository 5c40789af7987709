"""What people put together: a plain Flask app around the question-answering pipeline of transformers 4.57.

Runs in the peers' environment: ``python flask_app.py JOB`` reads what ``bench.peers`` does, with ``port``.
"""

from __future__ import annotations

import json
import sys
from importlib import import_module
from pathlib import Path
from typing import Any


def make_app(job: dict[str, Any]) -> Any:
    """The app: ``POST /predict`` of question and context, ``GET /ready``."""
    flask, peers = import_module("flask"), import_module("peers")  # of the peers' environment, and of this folder
    app, pipe = flask.Flask("peer"), peers.load(job)

    def predict() -> Any:
        asked = flask.request.get_json()
        return flask.jsonify(peers.answer(pipe, job, [["q", asked["question"], asked["context"]]])["q"])

    def ready() -> Any:
        return flask.jsonify({"status": "ready"})

    app.add_url_rule("/predict", view_func=predict, methods=["POST"])
    app.add_url_rule("/ready", view_func=ready)
    return app


def main() -> None:
    """Serves a job until it is killed; every connection in a thread, as Flask's own server does."""
    job = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    # so that its clients may keep their connections, too
    import_module("werkzeug.serving").WSGIRequestHandler.protocol_version = "HTTP/1.1"
    make_app(job).run("127.0.0.1", job["port"], threaded=True)


if __name__ == "__main__":
    main()
