"""The picking node on a live camera: ros2 launch vlm_picking picking.launch.py prompt:="is there a mug?" """

from launch.actions import DeclareLaunchArgument
from launch.substitutions import LaunchConfiguration, PathJoinSubstitution
from launch_ros.actions import LifecycleNode
from launch_ros.parameter_descriptions import ParameterValue
from launch_ros.substitutions import FindPackageShare

from launch import LaunchDescription

# Name, default, help. The topics are those of realsense2_camera with align_depth.enable:=true.
ARGUMENTS = (
    ("namespace", "", "Namespace of the node and of all its topics: one for each cell and camera."),
    ("color_topic", "/camera/color/image_raw", "Colour images."),
    ("color_info_topic", "/camera/color/camera_info", "Intrinsics of the colour images."),
    ("depth_topic", "/camera/aligned_depth_to_color/image_raw", "Depth images, aligned to colour."),
    ("depth_info_topic", "/camera/aligned_depth_to_color/camera_info", "Intrinsics of the depth images."),
    ("compressed", "false", "Take the topics' compressed and compressedDepth transports."),
    ("model", "embedded", "Model that looks: embedded, a directory with a checkpoint, or a hub id."),
    ("device", "auto", "Where the model runs: auto, cpu, cuda, cuda:0."),
    ("prompt", "", "Standing prompt, answered on every frame; empty for none."),
    ("grippers", "[suction_30mm, robotiq_2f85]", "Grippers to plan for: names or YAML files, as a list."),
    ("target_frame", "", "TF frame of grasps and 3D boxes; empty for the camera's own."),
    ("autostart", "true", "Configure and activate at start; false where a lifecycle manager does it."),
    ("use_sim_time", "false", "Take the time from /clock."),
    ("log_level", "info", "debug, info, warn or error."),
)
TOPICS = {
    "color/image": "color_topic",
    "color/camera_info": "color_info_topic",
    "depth/image": "depth_topic",
    "depth/camera_info": "depth_info_topic",
}
TRANSPORTS = {"color/image": "compressed", "depth/image": "compressedDepth"}
PARAMETERS = {
    "compressed": bool,
    "model": str,
    "device": str,
    "prompt": str,
    "grippers": list[str],
    "target_frame": str,
    "autostart": bool,
    "use_sim_time": bool,
}


def generate_launch_description() -> LaunchDescription:
    """The arguments, and the node with them; what an argument sets wins over the file."""
    params_file = PathJoinSubstitution([FindPackageShare("vlm_picking"), "config", "picking.yaml"])
    remappings = [(name, LaunchConfiguration(argument)) for name, argument in TOPICS.items()]
    for name, transport in TRANSPORTS.items():
        remappings.append((f"{name}/{transport}", [LaunchConfiguration(TOPICS[name]), f"/{transport}"]))
    node = LifecycleNode(
        package="vlm_picking",
        executable="picking_node",
        name="picking_node",
        namespace=LaunchConfiguration("namespace"),
        parameters=[
            LaunchConfiguration("params_file"),
            {name: ParameterValue(LaunchConfiguration(name), value_type=kind) for name, kind in PARAMETERS.items()},
        ],
        remappings=remappings,
        arguments=["--ros-args", "--log-level", ["picking_node:=", LaunchConfiguration("log_level")]],
        output="screen",
    )
    return LaunchDescription(
        [
            *(DeclareLaunchArgument(name, default_value=value, description=text) for name, value, text in ARGUMENTS),
            DeclareLaunchArgument("params_file", default_value=params_file, description="More parameters, as YAML."),
            node,
        ]
    )
