"""The simulated bin: objects, scenes, camera and an oracle that knows the truth (extra `sim`)."""

import os

# Rendering has to work without a display; whoever has one may say so before this import.
os.environ.setdefault("MUJOCO_GL", "egl")
