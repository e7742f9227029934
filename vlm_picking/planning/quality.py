"""From the terms of a grasp to the probability that it holds: a logistic model for each kind of gripper.

Every weight is at least 0, so a grasp that is better in one term and worse in none never ranks lower.

JAW was fitted as vlm_picking/bench/fit_quality.py does to 90 grasps of robotiq_2f85 that physics carried out on
development seeds (calibration error 0.09, cross-validated over scenes). SUCTION is set by hand and not fitted yet.
"""

import numpy as np

SUCTION = {
    "bias": -8.9,
    "seal": 3.0,
    "flatness": 0.5,
    "hold": 2.5,
    "center": 0.8,
    "tilt": 0.8,
    "measured": 1.0,
    "clearance": 0.5,
    "on_top": 1.5,
}
JAW = {
    "bias": -15.55,
    "antipodal": 0.58,
    "steepness": 5.73,
    "depth": 0.51,
    "breadth": 0.71,
    "center": 1.29,
    "measured": 0.43,
    "clearance": 1.15,
    "upright": 4.35,
    "on_top": 2.63,
}


def success(terms: dict[str, np.ndarray], table: dict[str, float]) -> np.ndarray:
    """Probability (N,) that grasps with these terms (N,) in 0..1 hold.

    Args:
        table: the weight of each term, and "bias".
    """
    logit = table["bias"] + sum(weight * terms[name] for name, weight in table.items() if name != "bias")
    return 1 / (1 + np.exp(-logit))
