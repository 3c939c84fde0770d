import json
from pathlib import Path

import numpy as np
import pytest

from search_spaces import sobol
from search_spaces.scales import Integer, Log, ReverseLog

GOLDEN = json.loads((Path(__file__).parents[1] / "golden" / "sobol.json").read_text())
SPACE = {"learning_rate": Log(1e-4, 1.0), "momentum": ReverseLog(0.9, 0.9999)}


def test_golden_points_and_values() -> None:
    assert sobol.points(2, 5).tolist() == GOLDEN["points"]
    drawn = sobol.metaparameters(SPACE, 5)
    # The golden numbers are printed to 10 decimals, ours hold 10 significant digits.
    assert [point["learning_rate"] for point in drawn] == pytest.approx(GOLDEN["learning_rate"], rel=0, abs=6e-11)
    assert [point["momentum"] for point in drawn] == GOLDEN["momentum"]


@pytest.mark.parametrize("dimensions", [1, 2, 4, 9])
@pytest.mark.parametrize("count", [0, 1, 8, 37, 100])
def test_a_shorter_draw_is_a_prefix_of_a_longer_one(dimensions: int, count: int) -> None:
    longest = sobol.points(dimensions, 128)
    drawn = sobol.points(dimensions, count)
    assert drawn.shape == (count, dimensions)
    assert np.array_equal(drawn, longest[:count])


def test_the_origin_is_skipped_and_no_point_comes_twice() -> None:
    drawn = sobol.points(4, 1023)
    assert (drawn > 0).all()
    assert (drawn < 1).all()
    assert len(np.unique(drawn, axis=0)) == 1023


def test_dimensions_do_not_follow_the_order_of_the_file() -> None:
    expected = ["learning_rate", "momentum", "decay_steps", "end_learning_rate_factor", "alpha", "zeta"]
    assert sobol.dimension_order(reversed(expected)) == expected
    assert sobol.dimension_order(["zeta", "momentum"]) == ["momentum", "zeta"]
    assert sobol.metaparameters(dict(reversed(SPACE.items())), 16) == sobol.metaparameters(SPACE, 16)


def test_a_third_dimension_leaves_the_first_two_as_they_were() -> None:
    wider = sobol.metaparameters({"decay_steps": Integer(30000, 60000), **SPACE}, 20)
    assert [{name: point[name] for name in SPACE} for point in wider] == sobol.metaparameters(SPACE, 20)
