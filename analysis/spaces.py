"""The search spaces of studies, read from their folders."""

from collections.abc import Mapping
from pathlib import Path

from analysis.tables import named
from search_spaces.scales import SCALES, Scale
from study.errors import UserError
from study.store.store import Store

Space = Mapping[str, Scale]


def load_spaces(*folders: Path | str) -> dict[str, Space]:
    """The search space of each study, under the name that `tables.load` gives it; a scale a metaparameter.

    Raises UserError for a folder that holds no study or whose specification has no search space.
    """
    return {name: space_of(store) for name, store in named(folders)}


def space_of(store: Store) -> Space:
    """The search space of one study; raises UserError as `load_spaces` does."""
    found = store.specification()
    space = found[0].get("search_space") if found else None
    if not isinstance(space, dict):
        raise UserError(
            f"DIR: the study in {store.root} must name its search_space; got {space!r}; mend its study.json"
        )
    try:
        scales = {name: dict(values) for name, values in space.items()}
        return {name: SCALES[values.pop("scale")](**values) for name, values in scales.items()}
    except (KeyError, TypeError, ValueError) as error:
        raise UserError(
            f"DIR: the search_space of the study in {store.root} must be one that this version knows; got {error}; "
            f"use the version that wrote it"
        ) from None
