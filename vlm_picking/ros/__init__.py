"""The ROS 2 shell: nodes, and the way between messages and the types of the package."""
