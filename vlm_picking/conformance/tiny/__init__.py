"""Tiny checkpoints of every family, of the genuine format with random weights: one module a module of `models`."""
