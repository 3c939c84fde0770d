"""The three regimes of data parallelism under a fitted law: where they meet, and the rule that says so."""

from dataclasses import dataclass
from typing import Literal

from analysis.intervals import End, inside
from analysis.laws import EXCESS, Law, Theorem

SAVING = 0.05
"""Maximal data parallelism begins where doubling the batch size saves less than this share of the steps."""

Regime = Literal["linear scaling", "diminishing returns", "maximal data parallelism"]


@dataclass(frozen=True)
class Regimes:
    """Where linear scaling ends and maximal data parallelism begins, in examples, each with its rule in words.

    A boundary outside the measured batch sizes is a bound.
    """

    linear_until: End
    linear_rule: str
    maximal_from: End
    maximal_rule: str

    def of(self, batch_size: float) -> Regime:
        """The regime of a `batch_size` inside the measured range; one that a boundary falls on counts as reached."""
        if self.linear_until.relation != "<=" and batch_size <= self.linear_until.value:
            return "linear scaling"
        if self.maximal_from.relation != ">=" and batch_size >= self.maximal_from.value:
            return "maximal data parallelism"
        return "diminishing returns"


def regimes(law: Law, lowest: float, highest: float) -> Regimes:
    """The regimes of `law` over batch sizes measured from `lowest` to `highest`.

    With s = `SAVING`, K(2B) = (1 - s) K(B) at B = T (1 + s)/(2s) = 10.5 T under the theorem and at
    B = B_crit (1/2 - s)/s = 9 B_crit under the hyperbola.
    """
    if isinstance(law, Theorem):
        linear, maximal = 2 * law.T, law.T * (1 + SAVING) / (2 * SAVING)
        rule = "up to 2T, where the theorem is exactly linear"
        multiple = "10.5 T"
    else:
        linear, maximal = EXCESS * law.B_crit, law.B_crit * (0.5 - SAVING) / SAVING
        rule = "up to 0.2 B_crit, where training takes 20% more examples than in the limit of small batches"
        multiple = "9 B_crit"
    return Regimes(
        linear_until=inside(linear, lowest, highest),
        linear_rule=rule,
        maximal_from=inside(maximal, lowest, highest),
        maximal_rule=f"from {multiple}, where doubling the batch size saves less than 5% of the steps",
    )
