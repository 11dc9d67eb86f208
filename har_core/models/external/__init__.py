"""Models that come from elsewhere: timm, Hugging Face, ONNX."""
