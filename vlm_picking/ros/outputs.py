"""The node's outputs: everything about one frame and one prompt, with the header of that frame."""

from geometry_msgs.msg import PoseArray
from rclpy.event_handler import PublisherEventCallbacks
from rclpy.lifecycle import LifecycleNode
from rclpy.qos import DurabilityPolicy, QoSProfile, ReliabilityPolicy
from rclpy.qos import qos_policy_name_from_kind as policy_name
from sensor_msgs.msg import Image
from std_msgs.msg import String
from vision_msgs.msg import Detection2DArray, Detection3DArray
from visualization_msgs.msg import MarkerArray

from vlm_picking.drawing import draw_result
from vlm_picking.frame import RgbdFrame
from vlm_picking.grasp import Gripper
from vlm_picking.result import Status
from vlm_picking.ros.conversions import detections_3d_to_msg, image_to_msg, label_mask_to_msg
from vlm_picking.ros.health import Health
from vlm_picking.ros.markers import markers_to_msg
from vlm_picking.ros.outcome import Outcome
from vlm_picking.transform import Transform
from vlm_picking_msgs.msg import Answer, GraspCandidateArray

_RESULTS = QoSProfile(depth=10, reliability=ReliabilityPolicy.RELIABLE)
_PICTURES = QoSProfile(depth=1, reliability=ReliabilityPolicy.RELIABLE)
_LATCHED = QoSProfile(depth=1, reliability=ReliabilityPolicy.RELIABLE, durability=DurabilityPolicy.TRANSIENT_LOCAL)


class Outputs:
    """The publishers; silent while the node is not active, apart from `active_prompt`."""

    def __init__(self, node: LifecycleNode, *, health: Health) -> None:
        self._health = health
        self._node = node
        self._answer = self._publisher(Answer, "answer", _RESULTS)
        self._detections_2d = self._publisher(Detection2DArray, "detections_2d", _RESULTS)
        self._detections_3d = self._publisher(Detection3DArray, "detections_3d", _RESULTS)
        self._grasps = self._publisher(GraspCandidateArray, "grasps", _RESULTS)
        self._grasp_poses = self._publisher(PoseArray, "grasp_poses", _RESULTS)
        self._markers = self._publisher(MarkerArray, "markers", _RESULTS)
        self._label_mask = self._publisher(Image, "label_mask", _PICTURES)
        self._debug_image = self._publisher(Image, "debug_image", _PICTURES)
        self._active_prompt = node.create_publisher(String, "active_prompt", _LATCHED)

    def _publisher(self, message_type: type, topic: str, qos: QoSProfile):
        def on_incompatible(event) -> None:
            policy = policy_name(event.last_policy_kind)
            text = f"a subscriber of {topic} asks for another {policy} than is offered"
            self._health.incompatible_qos(text)
            self._node.get_logger().warning(f"{text}; it will receive nothing")

        events = PublisherEventCallbacks(incompatible_qos=on_incompatible)
        return self._node.create_lifecycle_publisher(message_type, topic, qos, event_callbacks=events)

    def active_prompt(self, prompt: str) -> None:
        self._active_prompt.publish(String(data=prompt))

    def failed(self, outcome: Outcome) -> None:
        """Nobody could look: the statuses alone, since an empty array would mean that somebody looked."""
        if not self._node.context.ok():
            return
        self._grasps.publish(outcome.grasps)
        self._answer.publish(outcome.answer)

    def publish(self, frame: RgbdFrame, outcome: Outcome, *, grippers: tuple[Gripper, ...], arrays: bool) -> None:
        """Publish one result.

        Args:
            arrays: whether the topics that carry no prompt are filled as well.
        """
        if not self._node.context.ok():  # Ctrl-C came while the model looked
            return
        result = outcome.result
        if arrays and result.answer.status is not Status.FAILED:
            header = outcome.detections.header
            self._detections_2d.publish(outcome.detections)
            if self._label_mask.get_subscription_count():
                shape_hw = (frame.camera.height, frame.camera.width)
                self._label_mask.publish(label_mask_to_msg(result.detections, header=header, shape_hw=shape_hw))
            if outcome.target_from_camera is not None:
                self._publish_3d(outcome, outcome.target_from_camera)
            if self._debug_image.get_subscription_count():
                self._debug_image.publish(image_to_msg(draw_result(frame, result, grippers=grippers), "rgb8", header))
        self._grasps.publish(outcome.grasps)
        self._answer.publish(outcome.answer)

    def _publish_3d(self, outcome: Outcome, target_from_camera: Transform) -> None:
        header = outcome.grasps.header
        detections = detections_3d_to_msg(outcome.result, header=header, target_from_camera=target_from_camera)
        self._detections_3d.publish(detections)
        poses = [candidate.pose.pose for candidate in outcome.grasps.candidates]
        self._grasp_poses.publish(PoseArray(header=header, poses=poses))
        if self._markers.get_subscription_count():
            self._markers.publish(markers_to_msg(detections, outcome.grasps))
