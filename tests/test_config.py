import dataclasses
import re

import pytest

from study import config as config_module
from study.config import Fingerprint, TrialConfig, canonical_json, round_metaparameter

CONFIG = TrialConfig(
    data="mnist",
    fingerprint=Fingerprint(60_000, 10_000, "f" * 32),
    model="simple-cnn",
    optimizer="momentum",
    schedule="constant",
    goal_error=0.02,
    goal_test_every=16,
    batch_size=64,
    sparsity=0.9,
    metaparameters={"learning_rate": 0.1, "momentum": 0.9},
    seed=0,
    trial_index=3,
    budget_steps=1000,
)


def test_the_id_of_a_configuration_is_what_it_was() -> None:
    # Frozen: a change here orphans every stored record.
    assert CONFIG.trial_id == "d8062980be6547cd6eac1cb40081307e"
    assert dataclasses.replace(CONFIG, sparsity=0.0).trial_id == "65f686ec98ae2bb7431b602944f2a4ab"


def test_the_id_does_not_depend_on_the_order_of_keys() -> None:
    turned = dataclasses.replace(CONFIG, metaparameters={"momentum": 0.9, "learning_rate": 0.1})
    assert turned.trial_id == CONFIG.trial_id


@pytest.mark.parametrize(
    "change",
    [
        {"data": "other"},
        {"fingerprint": Fingerprint(59_999, 10_000, "f" * 32)},
        {"fingerprint": Fingerprint(60_000, 10_000, "e" * 32)},
        {"model": "resnet-8"},
        {"optimizer": "sgd"},
        {"schedule": "linear"},
        {"goal_error": 0.03},
        {"goal_test_every": 32},
        {"batch_size": 128},
        {"sparsity": 0.5},
        {"metaparameters": {"learning_rate": 0.2, "momentum": 0.9}},
        {"seed": 1},
        {"trial_index": 4},
        {"pruning_method": "random"},
        {"saliency_examples": 100},
        {"prunable": "weights_and_biases"},
        {"also_goals": (0.05,)},
    ],
    ids=lambda change: next(iter(change)),
)
def test_everything_that_a_result_depends_on_is_in_the_id(change: dict[str, object]) -> None:
    assert dataclasses.replace(CONFIG, **change).trial_id != CONFIG.trial_id


def test_the_budget_is_not_in_the_id() -> None:
    assert dataclasses.replace(CONFIG, budget_steps=9999).trial_id == CONFIG.trial_id


@pytest.mark.parametrize(
    "change", [{"pruning_method": "random"}, {"saliency_examples": 7}, {"prunable": "weights_and_biases"}]
)
def test_a_dense_trial_is_the_same_however_it_would_be_pruned(change: dict[str, object]) -> None:
    dense = dataclasses.replace(CONFIG, sparsity=0.0)
    assert dataclasses.replace(dense, **change).trial_id == dense.trial_id


def test_a_key_that_a_later_version_adds_changes_no_id(monkeypatch: pytest.MonkeyPatch) -> None:
    @dataclasses.dataclass(frozen=True)
    class Later(TrialConfig):
        precision: str = "float32"

    monkeypatch.setattr(config_module, "_BUILT_IN", {**config_module._BUILT_IN, "precision": "float32"})
    later = Later(**{field.name: getattr(CONFIG, field.name) for field in dataclasses.fields(CONFIG)})
    assert later.trial_id == CONFIG.trial_id
    assert dataclasses.replace(later, precision="tf32").trial_id != CONFIG.trial_id


def test_a_configuration_survives_json() -> None:
    again = TrialConfig.from_dict(CONFIG.to_dict())
    assert again == CONFIG
    assert re.fullmatch("[0-9a-f]{32}", again.trial_id)


def test_canonical_json_refuses_what_is_no_number() -> None:
    with pytest.raises(ValueError, match="JSON"):
        canonical_json({"a": float("nan")})


@pytest.mark.parametrize(
    ("value", "rounded"), [(0.1 + 0.2, 0.3), (1 / 3, 0.3333333333), (1e-4, 1e-4), (123456789012.0, 123456789000.0)]
)
def test_metaparameters_have_ten_digits(value: float, rounded: float) -> None:
    assert round_metaparameter(value) == rounded
