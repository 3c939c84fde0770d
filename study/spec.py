"""What a study file may say, and whether it makes sense; what depends on the data is checked in the plan."""

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from search_spaces.scales import Scale
from study.errors import UserError
from study.space import check_space, scale_of
from study.wording import nearest, short
from study.workloads.datasets import DATASETS
from study.yaml_file import read_yaml

# The shape of the images that each model takes: (channels, height, width).
MODEL_INPUTS = {"simple-cnn": (1, 28, 28), "resnet-8": (3, 32, 32)}
OPTIMIZERS = ("sgd", "momentum", "nesterov")
SCHEDULES = ("constant", "linear")
PRUNING_METHODS = ("snip", "random", "magnitude")

Steps = Annotated[int, Field(ge=1, le=1_000_000_000)]
BatchSize = Annotated[int, Field(ge=1, le=2**24)]
Error = Annotated[float, Field(gt=0, lt=1)]
_MOST_VALUES = 1000
_MOST_CELLS = 10_000


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, allow_inf_nan=False)


class Workload(_Strict):
    """Data set, model, optimiser, schedule and goal."""

    data: str = "digits"
    model: str = "simple-cnn"
    optimizer: str = "momentum"
    schedule: str = "constant"
    goal_error: Error
    also_goals: list[Error] = Field(default=[], max_length=20)

    @field_validator("data", "model", "optimizer", "schedule")
    @classmethod
    def _known(cls, value: str, info: Any) -> str:
        known = {"data": DATASETS, "model": MODEL_INPUTS, "optimizer": OPTIMIZERS, "schedule": SCHEDULES}
        return _one_of(value, known[info.field_name])

    @model_validator(mode="after")
    def _fits(self) -> "Workload":
        shape, takes = DATASETS[self.data].image_shape, MODEL_INPUTS[self.model]
        if shape != takes:
            suited = [name for name, inputs in MODEL_INPUTS.items() if inputs == shape]
            raise ValueError(
                f"model: must take the images of {self.data}, {_shape(shape)}; "
                f"got {self.model}, which takes {_shape(takes)}; use {' or '.join(suited)}"
            )
        for index, goal in enumerate(self.also_goals):
            if goal <= self.goal_error:
                raise ValueError(f"also_goals[{index}]: must be looser than goal_error ({self.goal_error}); got {goal}")
        if len(set(self.also_goals)) < len(self.also_goals):
            raise ValueError(f"also_goals: must be distinct; got {self.also_goals}")
        return self


class Cells(_Strict):
    """The axes: a cell is one value of each."""

    batch_size: list[BatchSize] = Field(min_length=1, max_length=_MOST_VALUES)
    sparsity: list[Annotated[float, Field(ge=0, lt=1)]] = Field(min_length=1, max_length=_MOST_VALUES)
    pruning_method: list[str] = Field(default=["snip"], min_length=1, max_length=_MOST_VALUES)

    @field_validator("pruning_method")
    @classmethod
    def _known(cls, values: list[str]) -> list[str]:
        return [_one_of(value, PRUNING_METHODS) for value in values]

    @field_validator("batch_size", "sparsity", "pruning_method")
    @classmethod
    def _distinct(cls, values: list[Any]) -> list[Any]:
        for index, value in enumerate(values):
            if value in values[:index]:
                raise ValueError(f"must be distinct; got {value} twice; remove one")
        return values

    @model_validator(mode="after")
    def _few_enough(self) -> "Cells":
        count = len(self.batch_size) * len(self.sparsity) * len(self.pruning_method)
        if count > _MOST_CELLS:
            raise ValueError(f"must make at most {_MOST_CELLS:,} cells; got {count:,}; make two studies of it")
        return self


class Pruning(_Strict):
    """How saliency is measured, and on which parameters."""

    saliency_examples: Literal["all"] | Annotated[int, Field(ge=1)] = "all"
    prunable: Literal["weights", "weights_and_biases"] = "weights"


class StudySpec(_Strict):
    """A study file. `budget_steps` and `goal_test_every` are a number, or a mapping from batch size to one."""

    name: str = Field(min_length=1, max_length=100, pattern=r"^[A-Za-z0-9][A-Za-z0-9 ._-]*$")
    workload: Workload
    cells: Cells
    pruning: Pruning = Pruning()
    search_space: dict[str, Any]
    trials: int = Field(ge=1, le=100_000)
    budget_steps: Steps | dict[BatchSize, Steps]
    goal_test_every: Steps | dict[BatchSize, Steps] = 16
    seed: int = Field(default=0, ge=0, lt=2**63)

    @property
    def space(self) -> dict[str, Scale]:
        """The search space, a scale by metaparameter."""
        return {name: scale_of(name, values) for name, values in self.search_space.items()}

    def budget_of(self, batch_size: int) -> int:
        return _for_batch_size(self.budget_steps, batch_size)

    def goal_test_every_of(self, batch_size: int) -> int:
        return _for_batch_size(self.goal_test_every, batch_size)

    @model_validator(mode="after")
    def _consistent(self) -> "StudySpec":
        check_space(self.search_space, self.workload.optimizer, self.workload.schedule)
        for field in ("budget_steps", "goal_test_every"):
            value = getattr(self, field)
            for size in self.cells.batch_size:
                if isinstance(value, dict) and size not in value:
                    raise ValueError(f"{field}: must have a value for every batch size; got none for {size}; add it")
        for size in self.cells.batch_size:
            budget, every = self.budget_of(size), self.goal_test_every_of(size)
            if budget % every:
                raise ValueError(
                    f"budget_steps: must be a multiple of goal_test_every ({every}), so that it ends with a test; "
                    f"got {budget} for batch size {size}; use {max(budget // every, 1) * every}"
                )
        return self


def read_spec(path: Path) -> StudySpec:
    """The study that a file describes; raises UserError, one line for the first thing that is wrong."""
    return parse_spec(read_yaml(path))


def parse_spec(values: Any) -> StudySpec:
    """The study that plain values describe; raises UserError."""
    if not isinstance(values, dict):
        raise UserError(
            f"SPEC: must be a mapping with the keys {', '.join(StudySpec.model_fields)}; got {short(values)}"
        )
    try:
        return StudySpec.model_validate(values)
    except ValidationError as error:
        raise UserError(_message(error)) from None


def _message(error: ValidationError) -> str:
    # Of the branches of a union, the one that came furthest into the values names the place best.
    found = max(error.errors(include_url=False), key=lambda item: (item["type"] == "extra_forbidden", len(item["loc"])))
    union_tags = {"int", "list[...]", "dict[...]", "literal['all']", "constrained-int", "float"}
    steps = [step for step in found["loc"] if not (isinstance(step, str) and _is_tag(step, union_tags))]
    path = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in steps).lstrip(".") or "SPEC"
    if found["type"] == "extra_forbidden":
        return f"{path}: unknown key{nearest(str(steps[-1]), _keys_beside(steps))}"
    if found["type"] == "missing":
        return f"{path}: must be given; add it"
    message = found["msg"]
    if found["type"] == "value_error":
        message = message.removeprefix("Value error, ")
        if not message.startswith("must"):  # the validator of a whole names the key below it
            return f"{path}.{message}".removeprefix("SPEC.")
        return f"{path}: {message}"
    message = message.replace("Input should be", "must be").replace("Input should", "must")
    message = message[0].lower() + message[1:]
    return f"{path}: {message}; got {short(found['input'])}"


def _is_tag(step: str, tags: set[str]) -> bool:
    return step in tags or any(mark in step for mark in "[(")


def _keys_beside(steps: list[Any]) -> list[str]:
    model: Any = StudySpec
    for step in steps[:-1]:
        model = model.model_fields[step].annotation
    return list(model.model_fields)


def _one_of(value: str, known: Any) -> str:
    if value not in known:
        raise ValueError(f"must be one of {', '.join(known)}; got {value!r}{nearest(value, known)}")
    return value


def _for_batch_size(value: int | dict[int, int], batch_size: int) -> int:
    return value[batch_size] if isinstance(value, dict) else value


def _shape(shape: tuple[int, int, int]) -> str:
    channels, height, width = shape
    return f"{height}×{width}×{channels}"
