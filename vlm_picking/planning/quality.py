"""From the terms of a grasp to the probability that it holds: a logistic model for each kind of gripper.

Every weight is at least 0, so a grasp that is better in one term and worse in none never ranks lower.

JAW was fitted to 1,788 grasps of robotiq_2f85 and wsg_50_long_fingers, up to five on each of 457 scenes of three
development seeds, and drawn towards a table from 817 earlier ones. Of those that the new one expects to hold in 0.98,
0.93, 0.86 and 0.72 held 0.98, 0.93, 0.88 and 0.70, on these scenes; trees and forests on the same terms chose no
better, cross-validated over scenes.

SUCTION is for cups of any size, since "hold" weighs what a cup holds against the load: it was fitted to 318 grasps on
102 scenes of two development seeds, the best and one more by suction_30mm and by suction_15mm each, without sponges
(cross-validated over scenes: of the large cup's 0.80 expected and 0.81 held, of the small one's 0.16 and 0.15;
calibration errors 0.03 and 0.04). "flatness", "center" and "clearance" told nothing and only decide between equals.
"on_top" weighs 6 more than was fitted there: of 73 grasps of the large cup on things that are covered a little (0.6 to
0.9), listed beside those of jaws on 41 scenes of three development seeds, 0.69 were expected to hold and 0.38 did.
"""

import numpy as np

SUCTION = {
    "bias": -35.24,
    "seal": 5.21,
    "margin": 3.35,
    "flatness": 0.5,
    "hold": 11.22,
    "center": 0.5,
    "tilt": 0.0,
    "measured": 0.4,
    "clearance": 0.5,
    "on_top": 13.34,
    "airtight": 5.2,
}
JAW = {
    "bias": -23.84,
    "antipodal": 1.73,
    "steepness": 3.24,
    "depth": 2.98,
    "shallow": 0.46,
    "breadth": 2.42,
    "even": 2.01,
    "center": 2.11,
    "measured": 1.37,
    "clearance": 0.8,
    "upright": 5.33,
    "on_top": 2.49,
    "in_sight": 3.84,
}


def success(terms: dict[str, np.ndarray], table: dict[str, float]) -> np.ndarray:
    """Probability (N,) that grasps with these terms (N,) in 0..1 hold.

    Args:
        table: the weight of each term, and "bias".
    """
    logit = table["bias"] + sum(weight * terms[name] for name, weight in table.items() if name != "bias")
    return 1 / (1 + np.exp(-logit))
