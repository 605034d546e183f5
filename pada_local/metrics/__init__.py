"""Metrics: plain functions registered by name. Importing the package registers the built-in ones."""

from pada_local.metrics import choice, exact, fields, judged, numbers, own, pattern, tokens

__all__ = ["choice", "exact", "fields", "judged", "numbers", "own", "pattern", "tokens"]
