"""From the terms of a grasp to the probability that it holds: a logistic model for each kind of gripper.

Every weight is at least 0, so a grasp that is better in one term and worse in none never ranks lower.

JAW was fitted to some 2,580 grasps of robotiq_2f85 and wsg_50_long_fingers, up to five on each of 700 scenes of four
development seeds, and drawn towards the table before. Of those of the last 248 scenes that it expects to hold in 0.99,
0.91, 0.78 and 0.63 held 0.99, 0.90, 0.65 and 0.50; the best on each scene held on 232 of them, with the table before on
231 (cross-validated). Trees and forests on the same terms chose no better. "bare" was added to it: of seven vessels
with something in them three were lifted alone.

SUCTION is for cups of any size, since "hold" weighs what a cup holds against the load: it was fitted to 1,181 grasps of
suction_15mm, suction_30mm and suction_50mm, which swivel, on 360 scenes of four development seeds, up to five on each,
683 of cups alone and 498 listed beside jaws, and drawn towards the table before. Of those that it expects to hold in
0.98, 0.91, 0.78, 0.60, 0.40 and 0.19 held 0.99, 0.90, 0.76, 0.59, 0.41 and 0.14 (cross-validated over scenes).
"center", "facing", "measured" and "clearance" told nothing and only decide between equals; "bare" told little, for what
lies on a thing slides off when a cup lets it tilt. "airtight" stays as it was, 7.28 was found, and the bias with it.
"""

import numpy as np

SUCTION = {
    "bias": -34.79,
    "seal": 4.71,
    "margin": 2.46,
    "flatness": 5.36,
    "hold": 11.1,
    "center": 0.3,
    "tilt": 0.0,
    "facing": 1.0,
    "measured": 0.4,
    "clearance": 0.5,
    "on_top": 8.51,
    "bare": 0.22,
    "airtight": 5.2,
}
JAW = {
    "bias": -30.09,
    "antipodal": 1.78,
    "steepness": 3.79,
    "depth": 3.72,
    "shallow": 0.15,
    "breadth": 3.17,
    "even": 2.03,
    "center": 3.01,
    "measured": 1.06,
    "clearance": 0.96,
    "upright": 5.45,
    "on_top": 3.45,
    "in_sight": 3.8,
    "bare": 3.4,
}


def success(terms: dict[str, np.ndarray], table: dict[str, float]) -> np.ndarray:
    """Probability (N,) that grasps with these terms (N,) in 0..1 hold.

    Args:
        table: the weight of each term, and "bias".
    """
    logit = table["bias"] + sum(weight * terms[name] for name, weight in table.items() if name != "bias")
    return 1 / (1 + np.exp(-logit))
