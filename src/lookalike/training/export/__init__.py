"""What leaves training: an ONNX file, its card and an HTML page."""
