"""The packaged corpus: published margins of PairedSafety, reconstructed rows."""
