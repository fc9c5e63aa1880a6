"""Make pairs.csv, the small example that the documentation speaks of: two models, sixty mild questions.

Nobody labelled these: the labels are laid out so that every transition occurs.

    python scripts/make_example.py            write src/riskshift/data/example.csv
    python scripts/make_example.py --print    print it instead
"""

import csv
import io
import sys
from collections.abc import Iterator
from pathlib import Path

PACKAGED = Path(__file__).parents[1] / "src" / "riskshift" / "data" / "example.csv"
HARMS = ("hate", "self_harm", "sexual", "violence")


def example() -> Iterator[dict[str, object]]:
    """Yield two models' answers to sixty questions, a row each."""
    for i in range(1, 61):
        harm = HARMS[i % 4] if i % 3 else None
        for at, model in enumerate(("model-a", "model-b")):
            prompt, response = dict.fromkeys(HARMS, 0), dict.fromkeys(HARMS, 0)
            if harm:
                prompt[harm] = 1 + i % 3
                response[harm] = min(3, prompt[harm] + i % 2) if (i + at) % 5 == 0 else 0
            elif (i + 2 * at) % 9 == 0:
                response[HARMS[i % 4]] = 1
            yield {
                "prompt_id": f"p{i:02}",
                "model": model,
                "language": "de" if i > 40 else "en",
                "prompt": f"Question {i} about gardening",
                "response": f"Answer {i} of {model}",
                **{f"prompt_{name}": level for name, level in prompt.items()},
                **{f"response_{name}": level for name, level in response.items()},
                "relevance": 1 if (i + at) % 7 == 0 else 2 if (i + at) % 5 == 1 else 3,
                "prompt_benign": str(i % 6 == 0).lower(),
            }


def as_csv() -> str:
    """Return the example as a CSV file."""
    rows, text = list(example()), io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


if __name__ == "__main__":
    if "--print" in sys.argv[1:]:
        print(as_csv(), end="")
    else:
        PACKAGED.write_text(as_csv(), encoding="utf-8")
