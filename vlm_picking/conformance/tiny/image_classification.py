"""Tiny image classifiers: a ResNet of six channels for close-ups with depth, a ConvNeXt V2 and a ViT of three."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path

# As people write them: with underscores, with several words, and with a class for everything else.
LABELS = ("none", "coffee mug, mug, cup", "hex_bolt", "carton", "Apple")
CATEGORIES = {"packaging": ["carton"], "thing to drink from": ["mug"], "small thing": ["hex bolt", "apple"]}


def build_resnet(directory: Path, *, seed: int = 0) -> Path:
    """Write a classifier of close-ups with depth, with words of its own, into `directory`."""
    from transformers import ResNetConfig, ResNetForImageClassification

    config = ResNetConfig(
        num_channels=6,
        embedding_size=8,
        hidden_sizes=[8, 16, 16, 24],
        depths=[1, 1, 1, 1],
        layer_type="basic",
        **_named(),
    )
    _save(ResNetForImageClassification, config, directory, {"size": {"height": 64, "width": 64}}, seed)
    words = {"categories": CATEGORIES, "fusion": [1.0, 0.5, -0.25]}
    (Path(directory) / "vlm_picking.json").write_text(json.dumps(words, indent=1) + "\n", encoding="utf-8")
    return Path(directory)


def build_convnextv2(directory: Path, *, seed: int = 0) -> Path:
    """Write a classifier of colour images into `directory`."""
    from transformers import ConvNextV2Config, ConvNextV2ForImageClassification

    config = ConvNextV2Config(hidden_sizes=[8, 8, 16, 24], depths=[1, 1, 1, 1], **_named())
    processor = {"image_processor_type": "ConvNextImageProcessor", "size": {"shortest_edge": 64}} | _IMAGENET
    return _save(ConvNextV2ForImageClassification, config, directory, processor, seed)


def build_vit(directory: Path, *, seed: int = 0) -> Path:
    """Write a classifier of colour images into `directory`."""
    from transformers import ViTConfig, ViTForImageClassification

    config = ViTConfig(
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=64,
        image_size=48,
        patch_size=16,
        **_named(),
    )
    processor = {"image_processor_type": "ViTImageProcessor", "size": {"height": 48, "width": 48}}
    return _save(ViTForImageClassification, config, directory, processor, seed)


_IMAGENET = {"image_mean": [0.485, 0.456, 0.406], "image_std": [0.229, 0.224, 0.225]}


def _named() -> dict[str, dict]:
    return {"id2label": dict(enumerate(LABELS)), "label2id": {label: i for i, label in enumerate(LABELS)}}


def _save(cls, config, directory: Path, processor: Mapping[str, object], seed: int) -> Path:
    import torch

    torch.manual_seed(seed)
    model = cls(config).eval()
    head = [layer for layer in model.modules() if isinstance(layer, torch.nn.Linear)][-1]
    torch.nn.init.normal_(head.weight)  # a library's own start has all classes alike for every picture
    model.save_pretrained(directory)
    text = json.dumps(processor, indent=1) + "\n"
    (Path(directory) / "preprocessor_config.json").write_text(text, encoding="utf-8")
    return Path(directory)


TINY: Mapping[str, Callable[..., Path]] = {
    "resnet": build_resnet,
    "convnextv2": build_convnextv2,
    "vit": build_vit,
}
