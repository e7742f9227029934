"""Conformance of the model families: what every adapter must keep, whatever its weights."""
