"""The verdicts on a run's labels, for several browsers at once: each says which verdict it has seen."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from squad_albert.explore.verdicts import (
    FIELDS,
    FoundVerdicts,
    Verdict,
    VerdictError,
    find_verdicts,
    replace_verdict,
)
from squad_albert.run_inside import inside
from utils.files import WriteError

from .errors import ConflictError


class Verdicts:
    """The verdict file of a run; it is read anew whenever it has changed, also by others.

    Args:
        path: the file, in the folder of a run; it need not exist.
        check: raises if the run is not the one any more that the verdicts are of.

    Raises:
        RunError: if it is a link, which may lead out of the run; so do the methods.
    """

    def __init__(self, path: Path, check: Callable[[], None] = lambda: None) -> None:
        self.path = inside(path.parent, path.name)
        self._check = check
        self._lock = threading.Lock()
        self._seen: tuple[int, ...] | None = None
        self._found = FoundVerdicts({}, {}, [])

    def all(self) -> dict[str, Verdict]:
        """By question id, as far as they can be used.

        Raises:
            VerdictError: if the file is no verdict file at all.
        """
        with self._lock:
            return self._read().verdicts

    def of(self, question_id: str) -> dict[str, Any]:
        """The verdict on a question, for JSON; see ``as_dict``.

        Raises:
            VerdictError: if what the file says of this question cannot be used.
        """
        with self._lock:
            found = self._read()
        if question_id in found.faults:
            raise VerdictError(f"{self.path.name}: {found.faults[question_id]}")
        return as_dict(question_id, found.verdicts.get(question_id))

    def content(self) -> bytes:
        """The whole file; of an empty one where there is none."""
        self._check()
        with self._lock:
            path = self._file()
            return path.read_bytes() if path.exists() else (",".join(FIELDS) + "\n").encode()

    def replace(self, question_id: str, verdict: Verdict | None, revision: str | None) -> dict[str, Any]:
        """Puts a verdict in the place of the one that was seen, on the disk before this returns.

        Args:
            question_id: of one of the run's questions.
            verdict: None to take the old one back.
            revision: of the verdict that was seen; None where the question was undecided.

        Raises:
            ConflictError: if somebody else has decided otherwise meanwhile; has the present verdict.
            VerdictError: if the file that is there cannot be read.
            WriteError: if it cannot be written.
        """
        wanted = as_dict(question_id, verdict)

        def check(found: Verdict | None) -> None:
            self._check()
            present = as_dict(question_id, found)
            if present["revision"] not in (revision or None, wanted["revision"]):
                raise ConflictError(
                    f"somebody else has decided on `{question_id}` since you looked. See `present`, and send its "
                    "revision to replace it.",
                    "revision",
                    present=present,
                )

        self._check()
        with self._lock, self._nameless():
            replace_verdict(self._file(), question_id, verdict, check)
        return wanted

    def _file(self) -> Path:
        """The path, seen anew to be no link out of the run."""
        return inside(self.path.parent, self.path.name)

    @contextmanager
    def _nameless(self) -> Iterator[None]:
        """No client is told where the file lies on the disk."""
        try:
            yield
        except (VerdictError, WriteError) as error:
            raise type(error)(str(error).replace(f"{self.path.parent}/", "")) from error

    def _read(self) -> FoundVerdicts:
        self._check()
        path = self._file()
        try:
            stat = path.stat()
        except FileNotFoundError:
            return FoundVerdicts({}, {}, [])
        seen = (stat.st_ino, stat.st_size, stat.st_mtime_ns)
        if seen != self._seen:
            with self._nameless():
                self._found, self._seen = find_verdicts(path), seen
        return self._found


def as_dict(question_id: str, verdict: Verdict | None) -> dict[str, Any]:
    """A verdict for JSON: ``id``, ``verdict`` (empty: undecided), ``answer``, ``start``, ``note``, ``revision``.

    >>> as_dict("q1", None)["revision"], as_dict("q1", Verdict("q1", "keep"))["revision"]
    (None, '49486b83f119')
    """
    if verdict is None:
        return {"id": question_id, "verdict": "", "answer": None, "start": None, "note": "", "revision": None}
    told = (verdict.verdict, verdict.answer, verdict.start, verdict.note)
    revision = hashlib.sha256(repr(told).encode("utf-8", "surrogatepass")).hexdigest()[:12]
    names = ("verdict", "answer", "start", "note")
    return {"id": question_id, **dict(zip(names, told, strict=True)), "revision": revision}
