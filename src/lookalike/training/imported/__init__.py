"""Networks of others, kept in folders as the library `transformers` writes them, as ONNX files with a card."""
