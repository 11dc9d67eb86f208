"""A run's model → one ONNX file, in 32-bit or 8-bit arithmetic, compared with the model before it is kept."""
