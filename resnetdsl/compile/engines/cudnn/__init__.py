"""The cuDNN engine: on a GPU, a network run as calls of cuDNN with sums and ReLUs fused into the convolutions.

`layers.py` has the ways in which a convolution can be done, `measure.py` chooses among them on the card that compiles,
`plan.py` runs what was chosen. Nothing is generated, so that it needs no compiler and compiles in seconds.
"""
