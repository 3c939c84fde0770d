"""Imports run one way, and what plans and reads needs neither torch nor ray."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
_LEAVES = {"study.config", "study.errors", "study.goals", "study.records"}
_DATASETS = "study.workloads.datasets"
# What each room may import of ours, beside itself and the leaves; a name stands for all below it.
MAY_IMPORT = {
    "study.config": set(),
    "study.errors": set(),
    "study.goals": set(),
    "study.records": set(),
    "study.yaml_file": set(),
    "study.workloads": set(),
    "study.pruning": {"study.workloads"},
    "study.training": {"study.pruning", "study.workloads"},
    "study.wording": set(),
    "study.space": {"search_spaces", "study.wording"},
    "study.spec": {"search_spaces", "study.space", "study.wording", "study.yaml_file", _DATASETS},
    "study.plan": {"search_spaces", "study.spec"},
    "study.cost": {"study.plan"},
    "study.store": set(),
    "study.execution": {"study.training", "study.workloads", "study.store"},
    "study.driver": {"study.plan", "study.spec", "study.store", "study.execution.packs"},
    "study.progress": {"study.driver"},
    "study.cli": {"study", "analysis", "search_spaces"},
    "search_spaces": set(),
    "analysis": {"study.store", "study.spec", "search_spaces"},
}
FILES = [path for room in ("study", "search_spaces", "analysis") for path in sorted((ROOT / room).rglob("*.py"))]


def name_of(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


def imports_of(path: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.module is not None
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def below(name: str, rooms: set[str]) -> bool:
    return any(name == room or name.startswith(f"{room}.") for room in rooms)


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_rooms_import_one_way(path: Path) -> None:
    name = name_of(path)
    if name == "study":
        assert not imports_of(path)
        return
    room = max((room for room in MAY_IMPORT if below(name, {room})), key=len)
    allowed = MAY_IMPORT[room] | _LEAVES | {room}
    ours = {found for found in imports_of(path) if found.split(".")[0] in ("study", "search_spaces", "analysis")}
    assert {found for found in ours if not below(found, allowed)} == set()


@pytest.mark.parametrize(
    ("library", "rooms"),
    [
        ("ray", {"study.execution.tune"}),
        (
            "plotly",
            {
                "analysis.figures",
                "analysis.style",
                "analysis.report",
                "analysis.page",
                "analysis.images",
                "analysis.gallery",
            },
        ),
        ("kaleido", {"analysis.images"}),
        (
            "torch",
            {"study.training", "study.pruning", "study.workloads.models", "study.workloads.batches", "study.execution"},
        ),
        ("sklearn", {"study.workloads.digits"}),
    ],
)
def test_a_library_is_imported_in_its_rooms_alone(library: str, rooms: set[str]) -> None:
    users = {name_of(path) for path in FILES if any(below(found, {library}) for found in imports_of(path))}
    assert {name for name in users if not below(name, rooms)} == set()


def test_training_runs_with_torch_and_numpy_alone() -> None:
    known = set(sys.stdlib_module_names) | {"torch", "numpy", "study", "sklearn"}
    rooms = {"study.training", "study.pruning", "study.workloads", "study.config", "study.records", "study.goals"}
    for path in FILES:
        if below(name_of(path), rooms) and not below(name_of(path), {"study.workloads.downloads"}):
            assert {found.split(".")[0] for found in imports_of(path)} <= known, path


@pytest.mark.parametrize("module", ["study.cli.app", "study.driver", "study.plan", "study.progress", "study.cost"])
def test_planning_and_status_load_neither_torch_nor_ray(module: str) -> None:
    code = f"import sys, {module}; print(sorted({{'torch', 'ray', 'plotly', 'optuna', 'sklearn'}} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stdout.strip() == "[]"
