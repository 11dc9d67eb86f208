"""One small network of timm of each kind, with an input that is small as well."""

from __future__ import annotations

from timm.models import build_model_with_cfg, register_model
from timm.models.swin_transformer import SwinTransformer
from torch import nn

SIZE = 64

KINDS = {
    "ResNet": "timm/test_resnet",
    "EfficientNet": "timm/test_efficientnet",
    "MobileNetV3": "timm/mobilenetv3_small_050",
    "ConvNeXt": "timm/test_convnext",
    "ViT": "timm/test_vit",
    "Swin": "timm/tiny_swin",
}
EXPLANATION = {
    "ResNet": "closed form",
    "EfficientNet": "closed form",
    "MobileNetV3": "gradient",
    "ConvNeXt": "gradient",
    "ViT": "attention",
    "Swin": "closed form",
}


@register_model
def tiny_swin(pretrained: bool = False, **options: object) -> nn.Module:
    """timm has no small one."""
    sizes = {"patch_size": 4, "window_size": 4, "embed_dim": 32, "depths": (1, 1, 1), "num_heads": (1, 2, 4)}
    network: nn.Module = build_model_with_cfg(
        SwinTransformer, "tiny_swin", pretrained, **{"img_size": SIZE, **sizes, **options, "pretrained_cfg": CONFIG}
    )
    return network


CONFIG = {"input_size": (3, SIZE, SIZE), "crop_pct": 0.9, "interpolation": "bicubic", "mean": (0.5,) * 3,
          "std": (0.5,) * 3, "num_classes": 1000, "classifier": "head.fc", "first_conv": "patch_embed.proj"}  # fmt: skip
