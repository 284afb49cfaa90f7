"""The parts of `seeds/train.py`: labelled data, tuning in JAX, the article stage, the export to ONNX."""
