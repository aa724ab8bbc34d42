"""Names that emitted models have, for those who open them without the library that wrote them."""

ONNX_INPUT = "input"
"""The input of an ONNX model."""
