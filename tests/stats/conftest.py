"""What several tests of statistics share."""

import numpy as np
import pytest


@pytest.fixture(scope="session")
def first_that_stays():
    def found(curve, power):
        """Smallest n (the curve starts at 1) from which on the power is never again too small."""
        weak = np.nonzero(np.array(curve) < power)[0]
        assert weak.size < len(curve)
        return int(weak[-1]) + 2 if weak.size else 1

    return found
