"""The lab: how often what riskshift says is right, where the truth is known.

Each module beside this one measures one kind of statement and offers ``rows(draws, seed)``, which
yields a `Row` a setting and method. ``python -m benchmarks.coverage`` runs them all, and with
``--small`` a fixed part of the settings of each; ``docs/validity.md`` has the results.
"""
