"""From the terms of a grasp to the probability that it holds: a logistic model for each kind of gripper.

Every weight is at least 0, so a grasp that is better in one term and worse in none never ranks lower.

JAW was fitted to 616 grasps of robotiq_2f85, up to six on each of 97 scenes of a development seed (calibration error
0.06, cross-validated over scenes); "antipodal", "center" and "on_top" were kept at 2.3, 2.0 and 1.2 at least, so that
grasps straight across the middle come first. SUCTION likewise to 258 grasps of suction_30mm, the best and one more of
each scene (0.05).
"""

import numpy as np

SUCTION = {
    "bias": -19.03,
    "seal": 3.43,
    "margin": 1.52,
    "flatness": 1.1,
    "hold": 2.93,
    "center": 1.45,
    "tilt": 0.0,
    "measured": 0.4,
    "clearance": 1.51,
    "on_top": 5.59,
    "airtight": 5.44,
}
JAW = {
    "bias": -21.65,
    "antipodal": 2.3,
    "steepness": 2.84,
    "depth": 3.15,
    "breadth": 2.6,
    "even": 2.02,
    "center": 2.0,
    "measured": 1.17,
    "clearance": 1.05,
    "upright": 4.81,
    "on_top": 1.2,
    "in_sight": 3.78,
}


def success(terms: dict[str, np.ndarray], table: dict[str, float]) -> np.ndarray:
    """Probability (N,) that grasps with these terms (N,) in 0..1 hold.

    Args:
        table: the weight of each term, and "bias".
    """
    logit = table["bias"] + sum(weight * terms[name] for name, weight in table.items() if name != "bias")
    return 1 / (1 + np.exp(-logit))
