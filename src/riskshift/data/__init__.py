"""The packaged corpus (published margins of PairedSafety, reconstructed rows) and a small example."""
