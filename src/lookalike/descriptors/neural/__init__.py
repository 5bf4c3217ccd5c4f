"""Neural descriptors: an ONNX file and its card, run in ONNX Runtime."""
