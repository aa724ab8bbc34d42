"""The Inductor engine.

On a CPU it runs a lowered graph as a plan of the calls that Inductor makes where weights are frozen: oneDNN's kernels
with packed weights, sums and activations fused into them, images with their channels last from end to end. `fuse.py`
decides what is one call and `memory.py` what is done in place, both on the graph alone; `kernels.py` makes the calls,
`plan.py` runs them. There is nothing to generate, so that a deep network is compiled as soon as a shallow one.

On a GPU, and on a CPU for which this PyTorch has no oneDNN, the network is compiled ahead of time as one: `aot.py`.
"""
