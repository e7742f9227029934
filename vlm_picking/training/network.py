"""The detector's shape and how its weights begin: the stock `OwlViTForObjectDetection`, small.

Training from nothing on few images is a matter of a good start: the patch embedding begins as a cosine transform, some
channels carry the position as Fourier features, and most heads of the first layers attend to a neighbour at a fixed
offset (a convolution in disguise; d'Ascoli et al., ConViT, 2021). A trained checkpoint is a better start still.
"""

import math
from pathlib import Path

import torch
from torch import nn
from torch.nn import functional

from vlm_picking.errors import ConfigError

WIDTH, LAYERS, IMAGE_PX, PATCH_PX = 192, 6, 320, 16
TEXT_WIDTH, TEXT_HEADS, TEXT_LAYERS = 128, 4, 2
POSITION_CHANNELS = 32  # as many as a head is wide
_OFFSETS = ((0, 0), (0, 1), (0, -1), (1, 0), (-1, 0))


def build_network(tokenizer, *, layers: int = LAYERS, width: int = WIDTH, image_px: int = IMAGE_PX):
    """A fresh `OwlViTForObjectDetection` for the words of `tokenizer`."""
    from transformers import OwlViTConfig, OwlViTForObjectDetection

    config = OwlViTConfig(
        text_config={
            "vocab_size": len(tokenizer),
            "hidden_size": TEXT_WIDTH,
            "intermediate_size": 2 * TEXT_WIDTH,
            "num_hidden_layers": TEXT_LAYERS,
            "num_attention_heads": TEXT_HEADS,
            "max_position_embeddings": tokenizer.model_max_length,
            "pad_token_id": tokenizer.pad_token_id,
            "bos_token_id": tokenizer.bos_token_id,
            "eos_token_id": tokenizer.eos_token_id,
        },
        vision_config={
            "hidden_size": width,
            "intermediate_size": 4 * width,
            "num_hidden_layers": layers,
            "num_attention_heads": width // POSITION_CHANNELS,
            "image_size": image_px,
            "patch_size": PATCH_PX,
        },
        projection_dim=TEXT_WIDTH,
    )
    model = OwlViTForObjectDetection(config)
    with torch.no_grad():
        _start_heads(model)
        _start_patches(model.owlvit.vision_model.embeddings)
        for depth, layer in enumerate(model.owlvit.vision_model.encoder.layers[: max(layers - 2, 1)]):
            _start_local_attention(layer.self_attn, reach=1 + depth // 2)
    return model


def warm_start(model, tokenizer, checkpoint: Path) -> None:
    """Take over what fits from another OwlViT of the same width: all but the words that it does not know.

    Token embeddings go by the token's text, the table of positions is resized, and layers that `checkpoint` lacks begin
    by passing on what they get.

    Raises:
        ConfigError: there is no such checkpoint, or its width or patches are of another size.
    """
    from transformers import CLIPTokenizer, OwlViTForObjectDetection

    try:
        old = OwlViTForObjectDetection.from_pretrained(checkpoint, local_files_only=True, dtype=torch.float32)
        old_tokens = CLIPTokenizer.from_pretrained(checkpoint, local_files_only=True).get_vocab()
    except (OSError, ValueError) as error:
        raise ConfigError(f"can't start from {checkpoint}: {error}") from error
    ours, theirs = model.config.vision_config, old.config.vision_config
    if (ours.hidden_size, ours.patch_size) != (theirs.hidden_size, theirs.patch_size):
        raise ConfigError(
            f"{checkpoint} is {theirs.hidden_size} wide with patches of {theirs.patch_size} px, "
            f"not {ours.hidden_size} and {ours.patch_size}: give --width {theirs.hidden_size}, or start from nothing"
        )
    known, weights = old.state_dict(), model.state_dict()
    with torch.no_grad():
        for layer in model.owlvit.vision_model.encoder.layers[theirs.num_hidden_layers :]:
            for last in (layer.self_attn.out_proj, layer.mlp.fc2):
                last.weight.zero_()
                last.bias.zero_()
        for name, weight in weights.items():
            if name.endswith("vision_model.embeddings.position_embedding.weight"):
                weight.copy_(_resized_positions(known[name], len(weight)))
            elif name.endswith("token_embedding.weight"):
                for token, row in tokenizer.get_vocab().items():
                    if token in old_tokens:
                        weight[row] = known[name][old_tokens[token]]
            elif name in known and known[name].shape == weight.shape:
                weight.copy_(known[name])


def _resized_positions(table: torch.Tensor, length: int) -> torch.Tensor:
    old, new = (round((n - 1) ** 0.5) for n in (len(table), length))
    grid = table[1:].T.reshape(1, -1, old, old)
    grid = functional.interpolate(grid, size=(new, new), mode="bicubic", align_corners=False)
    return torch.cat([table[:1], grid.flatten(2)[0].T])


def _start_heads(model) -> None:
    for module in (*model.class_head.modules(), *model.box_head.modules()):
        if isinstance(module, nn.Linear):
            nn.init.normal_(module.weight, std=module.in_features**-0.5)
            nn.init.zeros_(module.bias)
    model.box_head.dense2.weight.mul_(0.1)
    model.box_head.dense2.bias[2:] = 1.0  # objects are a few patches wide, not one
    for head, bias in ((model.class_head.logit_scale, 9.0), (model.class_head.logit_shift, -0.45)):
        head.weight.mul_(0.1)
        head.bias.fill_(bias)


def _start_patches(embeddings) -> None:
    """Patch embedding: two-dimensional cosines, low frequencies first, of luminance and of two colour
    differences.
    """
    weight, size = embeddings.patch_embedding.weight, embeddings.patch_size
    width = weight.shape[0]
    free = width - POSITION_CHANNELS
    steps = (torch.arange(size) + 0.5) * math.pi / size
    order = sorted(((u, v) for u in range(size) for v in range(size)), key=lambda f: (f[0] ** 2 + f[1] ** 2, f))
    colours = torch.tensor([[1.0, 1, 1], [1, -1, 0], [0.5, 0.5, -1]])
    colours = colours / colours.norm(dim=1, keepdim=True)
    n_colour = free // 4
    waves = [(0, f) for f in order[: free - 2 * n_colour]] + [(c, f) for c in (1, 2) for f in order[:n_colour]]
    weight.mul_(0.1)
    for channel, (colour, (u, v)) in enumerate(waves):
        wave = torch.cos(u * steps)[:, None] * torch.cos(v * steps)[None, :]
        kernel = colours[colour][:, None, None] * (wave / wave.norm())
        weight[POSITION_CHANNELS + channel] = kernel * (0.15 + 0.06 * math.hypot(u, v)) * (1 if colour == 0 else 2)
    weight[:POSITION_CHANNELS] = 0
    table = embeddings.position_embedding.weight
    table[:, :POSITION_CHANNELS] = 0
    table[1:, :POSITION_CHANNELS] = fourier_positions(round((len(table) - 1) ** 0.5))


def fourier_positions(grid: int) -> torch.Tensor:
    """(grid * grid, POSITION_CHANNELS): sine and cosine of x, then of y, at rising frequencies."""
    angle = torch.arange(grid)[:, None] * _frequencies()[None, :]
    wave = torch.stack([angle.sin(), angle.cos()], dim=-1).flatten(1)
    x = wave[None].expand(grid, grid, -1)
    y = wave[:, None].expand(grid, grid, -1)
    return torch.cat([x, y], dim=-1).flatten(0, 1)


def _frequencies() -> torch.Tensor:
    n = POSITION_CHANNELS // 4
    return torch.linspace(0.15, 2.4, n)


def _start_local_attention(attention, *, reach: int, sharpness: float = 2.2) -> None:
    """Make most heads look at a patch `reach` away: the query's position turned by the offset meets the
    key's position.
    """
    size, half = attention.head_dim, POSITION_CHANNELS // 2
    for head, (dy, dx) in enumerate(_OFFSETS[: attention.num_heads - 1]):
        rows = slice(head * size, (head + 1) * size)
        turn = torch.zeros(size, size)
        turn[:half, :half] = _rotation(dx * reach)
        turn[half:, half:] = _rotation(dy * reach)
        for projection, block in ((attention.q_proj, turn), (attention.k_proj, torch.eye(size))):
            projection.weight[rows].mul_(0.2)
            projection.weight[rows, :POSITION_CHANNELS] = sharpness**0.5 * block


def _rotation(offset: float) -> torch.Tensor:
    blocks = []
    for angle in (_frequencies() * offset).tolist():
        c, s = math.cos(angle), math.sin(angle)
        blocks.append(torch.tensor([[c, s], [-s, c]]))
    return torch.block_diag(*blocks)
