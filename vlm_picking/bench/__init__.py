"""Benchmarks on simulated bins that no training has seen; docs/benchmarks.md defines every figure."""
