"""Measurements that tests do not make: speed as a ratio to a plain implementation, and error rates.

``python -m benchmarks`` runs the speed ratios; ``python -m benchmarks.NAME`` one of the others.
"""
