"""Grasp planning from masks and depth."""

from vlm_picking.planning.planner import plan_grasps

__all__ = ["plan_grasps"]
