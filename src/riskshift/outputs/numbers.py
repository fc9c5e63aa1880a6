"""How numbers are written for programs."""

from typing import Any, Final

DIGITS: Final = 12


def written(value: Any) -> Any:
    """Round numbers to the twelve digits that are written, in plain data of any depth.

    What processors and libraries differ in lies beyond: equal data are equal files.

    Examples
    --------
    >>> written({"low": 0.1 + 0.2, "rows": [1 / 3, 7, None]})
    {'low': 0.3, 'rows': [0.333333333333, 7, None]}
    """
    if isinstance(value, float):
        return float(f"{value:.{DIGITS}g}")
    if isinstance(value, dict):
        return {name: written(held) for name, held in value.items()}
    return [written(held) for held in value] if isinstance(value, list) else value
