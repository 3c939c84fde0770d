"""What a goal error means in whole examples."""

import math
from fractions import Fraction

_VALIDATION_SHARE = 10


def validation_examples(train_examples: int) -> int:
    """How many of a data set's training examples validate: the first tenth of a fixed shuffle."""
    return train_examples // _VALIDATION_SHARE


def allowed_errors(goal_error: float, examples: int) -> int:
    """How many errors among `examples` still meet the goal: the floor of the exact product.

    In floats 0.043 · 5,000 is 214.99…; taken as the decimal that was written it is 215.
    """
    return math.floor(Fraction(str(goal_error)) * examples)
