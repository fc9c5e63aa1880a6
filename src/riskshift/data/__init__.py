"""The packaged corpus (published margins of PairedSafety, reconstructed rows) and a small example."""

from typing import Final

# By the hash of their counts, so that the caveat goes where the rows go, whatever their file is called.
CAVEATS: Final = {
    "8b1a953c1589bcd4b27ff054b08e7d9c0702b22613194124012c9dfbfb51b019": (
        "These records are a reconstruction. The paper's own are not public; an integer program made rows that meet "
        "every count its authors published at once. The margins are the paper's, the rows are not: what depends on how "
        "prompt severities 1 and 2 are spread (the inside of the transition matrix, the mean shift, where escalations "
        "land) is ours."
    )
}
