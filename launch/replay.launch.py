"""The picking node on a recorded bag: ros2 launch vlm_picking replay.launch.py bag:=/path/to/examples/bin"""

from launch.actions import DeclareLaunchArgument, IncludeLaunchDescription, OpaqueFunction
from launch.launch_context import LaunchContext
from launch.launch_description_sources import PythonLaunchDescriptionSource
from launch.substitutions import LaunchConfiguration, PathJoinSubstitution
from launch_ros.actions import Node
from launch_ros.substitutions import FindPackageShare

from launch import LaunchDescription

ARGUMENTS = (
    ("rate", "1.0", "How many times faster than recorded."),
    ("loop", "true", "Start over at the end of the bag."),
    ("clock", "false", "Publish /clock, for nodes with use_sim_time."),
)


def player(context: LaunchContext) -> list[Node]:
    """The player, with the switches that were asked for."""

    def value(name: str) -> str:
        return LaunchConfiguration(name).perform(context)

    switches = [f"--{name}" for name in ("loop", "clock") if value(name).lower() in ("true", "1")]
    return [
        Node(
            package="vlm_picking",
            executable="bag_player",
            name="bag_player",
            namespace=value("namespace"),
            arguments=[value("bag"), "--rate", value("rate"), *switches],
            output="screen",
        )
    ]


def generate_launch_description() -> LaunchDescription:
    """picking.launch.py with all its arguments, and a player for the bag."""
    picking = PathJoinSubstitution([FindPackageShare("vlm_picking"), "launch", "picking.launch.py"])
    return LaunchDescription(
        [
            DeclareLaunchArgument("bag", description="Folder of the recording."),
            *(DeclareLaunchArgument(name, default_value=value, description=text) for name, value, text in ARGUMENTS),
            IncludeLaunchDescription(PythonLaunchDescriptionSource(picking)),
            OpaqueFunction(function=player),
        ]
    )
