from fractions import Fraction

import numpy as np
import pytest

from study.goals import allowed_errors


@pytest.mark.parametrize(
    ("goal", "examples", "allowed"),
    [(0.043, 5_000, 215), (0.02, 6_000, 120), (0.1, 150, 15), (0.29, 100, 29), (0.0001, 6_000, 0)],
)
def test_allowed_errors_are_exact(goal: float, examples: int, allowed: int) -> None:
    assert allowed_errors(goal, examples) == allowed


def test_allowed_errors_equal_integer_arithmetic() -> None:
    generator = np.random.default_rng(0)
    for thousandths, examples in zip(generator.integers(1, 999, 3000), generator.integers(1, 9999, 3000), strict=True):
        goal = float(Fraction(int(thousandths), 1000))
        assert allowed_errors(goal, int(examples)) == int(thousandths) * int(examples) // 1000
