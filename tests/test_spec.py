import copy
from pathlib import Path
from typing import Any

import pytest

from study.config import Fingerprint
from study.errors import UserError
from study.plan import make_plan
from study.spec import parse_spec, read_spec
from study.yaml_file import parse_yaml, read_yaml

MNIST = Fingerprint(60_000, 10_000, "f" * 32)
GOOD: dict[str, Any] = {
    "name": "good",
    "workload": {"data": "mnist", "goal_error": 0.02},
    "cells": {"batch_size": [16, 64], "sparsity": [0, 0.9]},
    "search_space": {
        "learning_rate": {"scale": "log", "low": 1e-4, "high": 1},
        "momentum": {"scale": "reverse-log", "low": 0.9, "high": 0.9999},
    },
    "trials": 4,
    "budget_steps": 160,
}
FILES = sorted((Path(__file__).parents[1] / "search_spaces").glob("*.yaml"))


def changed(path: str, value: Any) -> dict[str, Any]:
    values = copy.deepcopy(GOOD)
    *parents, last = path.split(".")
    place = values
    for parent in parents:
        place = place.setdefault(parent, {})
    if value is ...:
        del place[last]
    else:
        place[last] = value
    return values


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        ("workloads", {}, r"workloads: unknown key; did you mean workload\?"),
        ("cells.batchsize", [1], r"cells.batchsize: unknown key; did you mean batch_size\?"),
        ("trials", "many", r"trials: must be a valid integer; got 'many'"),
        ("trials", True, r"trials: must be a valid integer; got True"),
        ("trials", 0, r"trials: must be greater than or equal to 1; got 0"),
        ("trials", ..., r"trials: must be given; add it"),
        ("cells.batch_size", [], r"cells.batch_size: list should have at least 1 item"),
        ("cells.batch_size", [0], r"cells.batch_size\[0\]: must be greater than or equal to 1; got 0"),
        ("cells.batch_size", [4, 4], r"cells.batch_size: must be distinct; got 4 twice; remove one"),
        ("cells.sparsity", [0, 0.5, 1], r"cells.sparsity\[2\]: must be less than 1; got 1"),
        ("cells.sparsity", 0.5, r"cells.sparsity: must be a valid list; got 0.5"),
        (
            "cells.pruning_method",
            ["snap"],
            r"cells.pruning_method: must be one of snip, .*; got 'snap'; did you mean snip\?",
        ),
        ("workload.goal_error", 1.5, r"workload.goal_error: must be less than 1; got 1.5"),
        ("workload.goal_error", 0, r"workload.goal_error: must be greater than 0; got 0"),
        ("workload.data", "mnits", r"workload.data: must be one of .*; got 'mnits'; did you mean mnist\?"),
        ("workload.data", "cifar-10", r"workload.model: must take the images of cifar-10, 32×32×3; .*; use resnet-8"),
        ("workload.also_goals", [0.01], r"workload.also_goals\[0\]: must be looser than goal_error"),
        ("workload.schedule", "linear", r"search_space.decay_steps: must be given for this optimizer and schedule"),
        ("workload.optimizer", "sgd", r"search_space.momentum: must be a metaparameter of sgd"),
        (
            "search_space.momentum",
            {"scale": "linear", "low": 0.5, "high": 1},
            r"search_space.momentum.high: must be in \[0, 1\); got 1",
        ),
        (
            "search_space.momentum",
            {"scale": "log", "low": 0.5},
            r"search_space.momentum.high: must be given for a log scale",
        ),
        (
            "search_space.momentum",
            {"scale": "lag", "low": 0.5},
            r"search_space.momentum.scale: must be one of .*did you mean log\?",
        ),
        (
            "search_space.learning_rate",
            {"scale": "log", "low": 1, "high": 1},
            r"search_space.learning_rate.high: must be above low",
        ),
        ("search_space.learning_rate", 0.1, r"search_space.learning_rate: must be a mapping such as"),
        ("budget_steps", 100, r"budget_steps: must be a multiple of goal_test_every \(16\).*got 100 .*; use 96"),
        ("budget_steps", {16: 160}, r"budget_steps: must have a value for every batch size; got none for 64"),
        ("cells", {"batch_size": list(range(1, 999)), "sparsity": [i / 99 for i in range(99)]}, r"cells: must make at"),
        ("name", "../up", r"name: string should match pattern"),
    ],
)  # fmt: skip
def test_a_mistake_is_named_with_its_place_and_value(path: str, value: Any, message: str) -> None:
    with pytest.raises(UserError, match=message):
        parse_spec(changed(path, value))


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        ("cells.batch_size", [54_001], r"cells.batch_size\[0\]: must be at most the 54,000 training examples of mnist"),
        ("workload.goal_error", 0.0001, r"workload.goal_error: must allow at least one error .* is 0.0001667"),
        (
            "pruning.saliency_examples",
            54_001,
            r"pruning.saliency_examples: must be at most the 54,000 training examples",
        ),
    ],
)  # fmt: skip
def test_more_than_the_data_have_is_refused(path: str, value: Any, message: str) -> None:
    with pytest.raises(UserError, match=message):
        make_plan(parse_spec(changed(path, value)), MNIST)


@pytest.mark.parametrize("values", [None, [], "text", 3])
def test_a_study_is_a_mapping(values: Any) -> None:
    with pytest.raises(UserError, match="SPEC: must be a mapping with the keys"):
        parse_spec(values)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: [1", "SPEC: must be YAML at line"),
        ("a: &x [1]\nb: *x", "aliases are not read"),
        ("a: 1\na: 2", "the key 'a' is there twice"),
        ("[" * 5000, "nested more than 50 levels deep"),
        ("? [a]\n: 1", "a key must be a word or a number"),
        ("a: !!python/object/apply:os.system [ls]", "could not determine a constructor"),
        ("a: \x00", "special characters are not allowed"),
        ("a: 2001-99-99", "SPEC: must be YAML"),
    ],
)
def test_what_is_no_yaml_is_refused(text: str, message: str) -> None:
    with pytest.raises(UserError, match=message):
        parse_yaml(text)


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"SPEC: must be a study file; got .*none.yaml"):
        read_yaml(tmp_path / "none.yaml")
    with pytest.raises(UserError, match="SPEC: must be a study file; got"):
        read_yaml(tmp_path)
    (tmp_path / "binary.yaml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(UserError, match="in UTF-8"):
        read_yaml(tmp_path / "binary.yaml")
    with open(tmp_path / "large.yaml", "wb") as file:
        file.truncate(100_000_000)
    with pytest.raises(UserError, match=r"at most 1 MB; got .* of 100,000,000 bytes"):
        read_yaml(tmp_path / "large.yaml")


def test_numbers_without_a_dot_are_numbers() -> None:
    assert parse_yaml("a: 1e-4") == {"a": 1e-4}


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_the_study_files_that_come_along_are_valid(path: Path) -> None:
    spec = read_spec(path)
    assert spec.name.replace("-", "_") == path.stem
    make_plan(spec, Fingerprint(1_500, 297, "f" * 32) if spec.workload.data == "digits" else MNIST)
