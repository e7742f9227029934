import numpy as np

from vlm_picking.sim.sensor import add_depth_noise, add_rgb_noise, depth_holes, photograph


def _step(shape=(120, 160)):
    depth = np.full(shape, 0.8, np.float32)
    depth[:, 80:] = 0.6
    return depth, np.full((*shape, 3), 128, np.uint8)


def test_holes_gather_at_depth_steps(rng):
    depth, rgb = _step()
    holes = depth_holes(depth, rgb, rng)
    assert holes[:, 79:81].mean() > 0.6
    assert holes[:, :70].mean() < 0.02


def test_dark_and_glaring_surfaces_lose_readings(rng):
    depth, rgb = np.full((120, 160), 0.8, np.float32), np.full((120, 160, 3), 128, np.uint8)
    rgb[:40], rgb[80:] = 4, 255
    share = [
        depth_holes(depth, rgb, rng, speckle=0.0)[rows].mean()
        for rows in (slice(40), slice(40, 80), slice(80, 120))
    ]
    assert share[0] > 0.1 and share[2] > 0.1
    assert share[1] == 0


def test_depth_noise_grows_with_the_square_of_the_distance(rng):
    near, far = (
        np.std(add_depth_noise(np.full((200, 200), z, np.float32), rng, noise_at_1m=0.001) - z)
        for z in (0.5, 1.0)
    )
    assert 3.5 < far / near < 4.5


def test_no_strength_changes_nothing(rng):
    image = rng.integers(0, 256, (40, 50, 3), dtype=np.uint8)
    assert np.abs(photograph(image, rng, strength=0.0).astype(int) - image).max() <= 1


def test_rgb_noise_has_the_sigma_asked_for(rng):
    image = np.full((200, 200, 3), 128, np.uint8)
    assert 2.7 < add_rgb_noise(image, rng, sigma=3.0).std() < 3.3
