"""Labelled pairs that exist already: files and data frames, bound to their roles."""

from riskshift.reading.combined import combine
from riskshift.reading.files import read_files
from riskshift.reading.frames import read_frame

__all__ = ["combine", "read_files", "read_frame"]
