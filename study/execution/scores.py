"""Saliency scores computed once per data, model and seed: kept in memory, and in the study folder for other workers."""

import hashlib
import io
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from study.config import TrialConfig, canonical_json
from study.store.folder import Folder
from study.training.scores import compute_scores, scores_key
from study.workloads.batches import Workbench


class ScoreCache:
    """`cache(config, bench)` gives a trial's scores, computed where nobody has yet.

    A `folder` that this machine cannot see is not used.
    """

    def __init__(self, folder: Path | None) -> None:
        self._folder = Folder(folder) if folder is not None and folder.is_dir() else None
        self._memory: dict[str, Tensor] = {}

    def __call__(self, config: TrialConfig, bench: Workbench) -> Tensor:
        name = hashlib.blake2b(canonical_json(scores_key(config)).encode(), digest_size=16).hexdigest()
        scores = self._memory.get(name)
        if scores is None:
            scores = self._stored(f"{name}.npy")
        if scores is None:
            scores = compute_scores(config, bench)
            self._store(f"{name}.npy", scores)
        self._memory[name] = scores
        return scores

    def _stored(self, name: str) -> Tensor | None:
        content = self._folder.read(name) if self._folder else None
        if content is None:
            return None
        try:
            return torch.from_numpy(np.load(io.BytesIO(content), allow_pickle=False))
        except (ValueError, EOFError, OSError):  # damaged: computed again, and written over
            return None

    def _store(self, name: str, scores: Tensor) -> None:
        if self._folder is None:
            return
        buffer = io.BytesIO()
        np.save(buffer, scores.numpy(), allow_pickle=False)
        try:
            self._folder.write(name, buffer.getvalue())
        except OSError:  # a cache that is full or read-only costs time, nothing else
            self._folder = None
