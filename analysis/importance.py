"""Which metaparameter decides whether a trial is among its cell's best, by Optuna's evaluator."""

import math
from collections.abc import Mapping

import numpy as np
import pandas as pd

from analysis.optuna_export import quiet
from analysis.spaces import Space
from analysis.tables import CELL
from search_spaces.sobol import dimension_order
from study.records import Ending

_TOP = 0.1
_FEWEST = 5  # Optuna's advice for PED-ANOVA: at least this many trials in the top


def importances(trials: pd.DataFrame, spaces: Mapping[str, Space]) -> pd.DataFrame:
    """One row a cell and metaparameter: its share of what sets the best tenth of the trials apart from all.

    PED-ANOVA (Watanabe et al. 2023) in Optuna: how far the distribution of a metaparameter in the top trials, the best
    tenth and 5 at least, lies from that in all; the shares of a cell add up to 1. Trials without the goal rank behind
    those that reached it, failed ones are missing. `importance` is NaN where it cannot be told, and `reason` says why.
    Some 4 ms a cell.
    """
    rows = []
    with quiet():
        for key, cell in trials.groupby(list(CELL), observed=True, sort=True):
            place = dict(zip(CELL, key, strict=True))
            space = spaces[place["study"]]
            found, reason = _cell(cell[cell["ending"] != Ending.FAILED], space)
            rows += [
                {**place, "metaparameter": name, "importance": found.get(name, math.nan), "reason": reason}
                for name in dimension_order(space)
            ]
    return pd.DataFrame(rows, columns=[*CELL, "metaparameter", "importance", "reason"])


def _cell(trials: pd.DataFrame, space: Space) -> tuple[dict[str, float], str]:
    """Importance by name, or none and the reason."""
    from optuna.importance import PedAnovaImportanceEvaluator, get_param_importances
    from optuna.study import create_study
    from optuna.trial import create_trial

    reached = (trials["ending"] == Ending.REACHED).to_numpy()
    if len(space) < 2:
        return {}, "the only metaparameter"
    if reached.sum() < _FEWEST or len(trials) < 2 * _FEWEST:
        needed = f"needs {_FEWEST} trials that reached the goal among {2 * _FEWEST}"
        return {}, f"{needed}; has {reached.sum()} among {len(trials)}"
    steps = trials["steps_to_goal"].astype(float).to_numpy()
    # PED-ANOVA looks at ranks alone, so any number behind the last that reached stands for censored and diverged.
    values = np.where(reached, steps, np.nanmax(steps) + 1)
    top = min(int(reached.sum()), max(_FEWEST, math.ceil(_TOP * len(values))))
    if (values <= np.sort(values)[top - 1]).all():
        return {}, "all trials took the same steps"
    distributions = {scale.optuna_name(name): scale.distribution() for name, scale in space.items()}
    study = create_study(direction="minimize")
    study.add_trials(
        create_trial(
            value=float(value),
            params={scale.optuna_name(name): scale.to_optuna(point[name]) for name, scale in space.items()},
            distributions=distributions,
        )
        for value, point in zip(values, trials[list(space)].to_dict("records"), strict=True)
    )
    # Half a trial below, so that the product with the number of trials cannot round up to one more.
    evaluator = PedAnovaImportanceEvaluator(target_quantile=(top - 0.5) / len(values))
    found = get_param_importances(study, evaluator=evaluator)
    return {name: float(found[scale.optuna_name(name)]) for name, scale in space.items()}, ""
