"""From the terms of a grasp to the probability that it holds: a logistic model for each kind of gripper.

Every weight is at least 0, so a grasp that is better in one term and worse in none never ranks lower.

JAW was fitted to 616 grasps of robotiq_2f85, up to six on each of 97 scenes of a development seed, and, drawn towards
that, to 201 more on 82 scenes of two such seeds with the palm as it is now (calibration error 0.07 on the latter);
"antipodal", "center" and "on_top" were kept at 2.0, 2.0 and 1.2 at least, so that grasps straight across the middle
come first, and "steepness" and "depth" raised to 3.5 and 2.6 at the cost of "shallow", which only is to tell equals
apart. SUCTION was fitted to 137 grasps of suction_30mm, the best and one more of each of 77 scenes (0.06). On 104
grasps of suction_15mm it is too bright: 0.52 where 0.19 held.
"""

import numpy as np

SUCTION = {
    "bias": -24.82,
    "seal": 4.39,
    "margin": 1.89,
    "flatness": 1.93,
    "hold": 3.72,
    "center": 1.43,
    "tilt": 0.0,
    "measured": 0.4,
    "clearance": 2.0,
    "on_top": 7.36,
    "airtight": 5.92,
}
JAW = {
    "bias": -25.25,
    "antipodal": 2.0,
    "steepness": 3.5,
    "depth": 2.6,
    "shallow": 0.4,
    "breadth": 2.76,
    "even": 1.76,
    "center": 2.0,
    "measured": 2.5,
    "clearance": 1.3,
    "upright": 5.38,
    "on_top": 1.2,
    "in_sight": 4.4,
}


def success(terms: dict[str, np.ndarray], table: dict[str, float]) -> np.ndarray:
    """Probability (N,) that grasps with these terms (N,) in 0..1 hold.

    Args:
        table: the weight of each term, and "bias".
    """
    logit = table["bias"] + sum(weight * terms[name] for name, weight in table.items() if name != "bias")
    return 1 / (1 + np.exp(-logit))
