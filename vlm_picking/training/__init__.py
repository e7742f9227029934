"""Trains the small detector that ships with the package on simulated bins. Needs the extras [models] and
[sim].
"""
