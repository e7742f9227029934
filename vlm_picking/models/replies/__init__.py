"""Parsers of what models write: pure functions, one module a format; no model is loaded here."""
