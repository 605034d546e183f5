"""The Textual app: a thin skin over the engine's events and queries."""
