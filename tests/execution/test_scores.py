import dataclasses
from pathlib import Path

import pytest
import torch
from fakes import fake_records

from study.config import TrialConfig
from study.execution import scores as scores_module
from study.execution.scores import ScoreCache
from study.workloads.batches import Workbench


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[TrialConfig]:
    """The configurations that scores were computed for."""
    made: list[TrialConfig] = []

    def compute(config: TrialConfig, bench: Workbench) -> torch.Tensor:
        made.append(config)
        return torch.full((4,), float(config.trial_index), dtype=torch.float64)

    monkeypatch.setattr(scores_module, "compute_scores", compute)
    return made


CONFIG = fake_records((16,), (0.9,), trials=1)[0].config


@pytest.mark.parametrize(
    ("change", "again"),
    [
        ({"batch_size": 64}, False),
        ({"sparsity": 0.5}, False),
        ({"prunable": "weights_and_biases"}, False),
        ({"metaparameters": {"learning_rate": 1.0}}, False),
        ({"trial_index": 9}, True),
        ({"seed": 9}, True),
        ({"saliency_examples": 100}, True),
        ({"pruning_method": "random"}, True),
        ({"model": "resnet-8"}, True),
    ],
)
def test_scores_are_computed_once_for_what_they_depend_on(
    bench: Workbench, calls: list[TrialConfig], change: dict[str, object], again: bool
) -> None:
    cache = ScoreCache(None)
    cache(CONFIG, bench)
    cache(dataclasses.replace(CONFIG, **change), bench)
    assert len(calls) == 1 + again


def test_another_worker_and_another_run_find_them_in_the_folder(
    bench: Workbench, calls: list[TrialConfig], tmp_path: Path
) -> None:
    first = ScoreCache(tmp_path)(CONFIG, bench)
    assert torch.equal(ScoreCache(tmp_path)(CONFIG, bench), first)
    assert len(calls) == 1


def test_a_damaged_file_is_computed_again_and_mended(
    bench: Workbench, calls: list[TrialConfig], tmp_path: Path
) -> None:
    first = ScoreCache(tmp_path)(CONFIG, bench)
    (path,) = tmp_path.iterdir()
    path.write_bytes(path.read_bytes()[:50])
    assert torch.equal(ScoreCache(tmp_path)(CONFIG, bench), first)
    assert torch.equal(ScoreCache(tmp_path)(CONFIG, bench), first)
    assert len(calls) == 2
