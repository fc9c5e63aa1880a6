"""Turn the documentation into a site, as it stands in the repository: hooks of mkdocs (make docs).

Pages link to decisions and to CONTRIBUTING.md, which lie beside them; here these become pages too.
Blocks that name a file get it as a title. The JSON Schemas stand under versioned names, and llms.txt
lists every page for programs that read.
"""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

ROOT: Final = Path(__file__).parents[1]
_FENCE: Final = re.compile(r"^```(\w+) (\S+)$", re.MULTILINE)
_ROW: Final = re.compile(r"^\| \[[^\]]+\]\(([\w-]+)\.md\) \| (.*) \|$", re.MULTILINE)


def beside() -> dict[str, Path]:
    """Return the pages that lie beside the documentation, by their place in the site."""
    made = {f"decisions/{path.name}": path for path in sorted((ROOT / "decisions").glob("*.md"))}
    return {"CONTRIBUTING.md": ROOT / "CONTRIBUTING.md", **made}


def as_page(text: str, place: str) -> str:
    """Return a page with the links and the fences that the site understands.

    Examples
    --------
    >>> as_page("[why](../decisions/0001-x.md)", "check.md")
    '[why](decisions/0001-x.md)'
    >>> as_page("[that](../docs/metrics.md)", "decisions/0001-x.md")
    '[that](../metrics.md)'
    """
    named = _FENCE.sub(r'```\1 title="\2"', text)
    if place.startswith("decisions/"):
        return named.replace("](../docs/", "](../")
    return named.replace("](../", "](").replace("](docs/", "](")


def schemas() -> Iterator[tuple[str, str]]:
    """Yield the JSON Schema of each kind of result, under a name with its version."""
    from riskshift.analysis.results import SCHEMA_VERSION
    from riskshift.report.writing import KINDS, json_schema

    for kind in KINDS:
        made = json.dumps(json_schema(kind), indent=1, ensure_ascii=False)
        yield f"schemas/{kind}-v{SCHEMA_VERSION}.schema.json", made + "\n"


def llms() -> str:
    """Return the list of pages, as the index of the documentation tells of them."""
    index = (ROOT / "docs" / "README.md").read_text(encoding="utf-8")
    lines = [f"- [{name}]({name}/): {what}" for name, what in _ROW.findall(index)]
    lines += [f"- [{Path(name).name}]({name}): JSON Schema" for name, _ in schemas()]
    return (
        "# riskshift\n\n> Judges language-model safety from labelled pairs of a prompt and a response: how risk moves "
        "from one to the other, in which harm categories, and how sure one can be.\n\n## Documentation\n\n"
        + "\n".join(lines)
        + "\n"
    )


def on_files(files: Any, config: Any) -> Any:
    """Add what lies beside the documentation, and what is made of the code."""
    from mkdocs.structure.files import File

    for place, path in beside().items():
        files.append(File.generated(config, place, abs_src_path=str(path)))
    for place, text in (*schemas(), ("llms.txt", llms())):
        files.append(File.generated(config, place, content=text))
    return files


def on_page_markdown(markdown: str, page: Any, config: Any, files: Any) -> str:
    """Let a page stand in the site as it stands in the repository."""
    return as_page(markdown, page.file.src_uri)
