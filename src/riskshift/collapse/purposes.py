"""What rows are read for: how their columns are bound, and what is checked when they cannot be read."""

from typing import Final

from riskshift.collapse.pairs import collapse
from riskshift.collapse.rated.raters import bind_one_rater, bind_raters
from riskshift.collapse.rated.ratings import collapse_raters
from riskshift.records import Purpose, bind, bind_people

PAIRS: Final = Purpose(bind, collapse)
PEOPLE: Final = Purpose(bind_people, collapse)
RATERS: Final = Purpose(bind_raters, collapse_raters)
ONE_RATER: Final = Purpose(bind_one_rater, collapse_raters)
