"""A study folder: what is in it, and under which names."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from study.config import Fingerprint
from study.errors import UserError
from study.records import TrialRecord
from study.store import parts
from study.store.folder import Folder

_STUDY = "study.json"
_MANY_PARTS = 64


class Store:
    """The records of one study and the specification that they belong to.

    `study.json` holds the specification as values and the fingerprint of the data; `records/` the parts;
    `set-aside/` parts that could not be read; `saliency/` scores that trials share.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self.folder = Folder(root)

    def specification(self) -> tuple[dict[str, Any], Fingerprint] | None:
        """The study's specification and its data's fingerprint, or None in a folder that holds no study."""
        content = self.folder.read(_STUDY)
        if content is None:
            return None
        try:
            values = json.loads(content)
            return values["study"], Fingerprint(**values["fingerprint"])
        except (ValueError, KeyError, TypeError) as error:
            raise UserError(
                f"{self.root / _STUDY}: must be the study's specification as JSON; cannot be read ({error})"
            ) from None

    def write_specification(self, study: dict[str, Any], fingerprint: Fingerprint) -> None:
        values = {"study": study, "fingerprint": asdict(fingerprint)}
        self.folder.write(_STUDY, json.dumps(values, indent=1).encode())

    def add(self, records: list[TrialRecord]) -> None:
        """Acknowledge `records`: once this returns, nothing loses them."""
        parts.write(self.folder, records)

    def read(self, columns: list[str] | None = None) -> parts.Contents:
        """The records as a table, one row a trial; `columns` (with the four that merging needs) reads those alone."""
        needed = None if columns is None else list(dict.fromkeys([*parts.MERGE_COLUMNS, *columns]))
        return parts.read(self.folder, needed)

    def tidy(self) -> parts.Contents:
        """For the driver alone: set damaged parts aside, sweep half-written files, compact when the parts are many."""
        self.folder.sweep(parts.RECORDS)
        contents = self.read()
        parts.set_aside(self.folder, contents.damaged)
        if len(contents.parts) > _MANY_PARTS:
            parts.compact(self.folder, contents)
        return contents


def open_study(root: Path) -> Store:
    """The store of an existing study; raises UserError where the folder holds none."""
    store = Store(root)
    if store.specification() is None:
        raise UserError(
            f"DIR: must be a folder that holds a study; got {root}; `study run SPEC --out {root}` starts one"
        )
    return store
