"""The search space of a study file: a scale and its ends for each metaparameter."""

from collections.abc import Mapping
from typing import Any

from search_spaces.scales import SCALES, Scale
from study.wording import nearest, short

# What each metaparameter may be: (lowest, highest, whether the highest is excluded, in words).
_RANGES: Mapping[str, tuple[float, float, bool, str]] = {
    "learning_rate": (1e-30, 1e30, False, "above 0"),
    "momentum": (0, 1, True, "in [0, 1)"),
    "decay_steps": (1, 1e12, False, "at least 1"),
    "end_learning_rate_factor": (0, 1, False, "in [0, 1]"),
}


def check_space(space: Mapping[str, Any], optimizer: str, schedule: str) -> None:
    """Raise ValueError unless `space` has exactly the metaparameters of the optimiser and schedule, in their ranges."""
    needed = ["learning_rate"]
    needed += ["momentum"] if optimizer != "sgd" else []
    needed += ["decay_steps", "end_learning_rate_factor"] if schedule == "linear" else []
    for name in space:
        if name not in needed:
            raise ValueError(
                f"search_space.{name}: must be a metaparameter of {optimizer} with a {schedule} schedule "
                f"({', '.join(needed)}); got {name!r}{nearest(name, needed)}"
            )
    for name in needed:
        if name not in space:
            raise ValueError(f"search_space.{name}: must be given for this optimizer and schedule; add it")
        scale_of(name, space[name])
        _check_range(name, space[name])


def scale_of(name: str, values: Any) -> Scale:
    """The scale that a study file gives a metaparameter; raises ValueError naming the key at fault."""
    path = f"search_space.{name}"
    if not isinstance(values, dict):
        raise ValueError(f"{path}: must be a mapping such as {{scale: log, low: 1e-4, high: 1}}; got {short(values)}")
    kind = values.get("scale")
    if not isinstance(kind, str) or kind not in SCALES:
        hint = nearest(kind, SCALES) if isinstance(kind, str) else ""
        raise ValueError(f"{path}.scale: must be one of {', '.join(SCALES)}; got {short(kind)}{hint}")
    keys = ["values"] if kind == "discrete" else ["low", "high"]
    for key in values:
        if key not in ("scale", *keys):
            raise ValueError(f"{path}.{key}: unknown key of a {kind} scale{nearest(str(key), keys)}")
    for key in keys:
        if key not in values:
            raise ValueError(f"{path}.{key}: must be given for a {kind} scale; add it")
    try:
        return SCALES[kind](*(values[key] for key in keys))
    except ValueError as error:
        raise ValueError(f"{path}.{error}") from None


def _check_range(name: str, values: dict[str, Any]) -> None:
    lowest, highest, excluded, words = _RANGES[name]
    for key in ("low", "high", "values"):
        given = values.get(key, [])
        for number in given if isinstance(given, list) else [given]:
            if not lowest <= number <= highest or (excluded and number == highest):
                raise ValueError(f"search_space.{name}.{key}: must be {words}; got {number}")
