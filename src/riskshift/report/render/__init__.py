"""Renderers: they translate a document and decide nothing."""
