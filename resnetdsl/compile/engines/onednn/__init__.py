"""oneDNN as an engine, on the CPU: a lowered graph as a plan of the calls that Inductor makes where weights are frozen.

Weights are packed, sums and activations fused into the layers before them, and images lie with their channels last from
end to end. `fuse.py` decides what is one call and `memory.py` what is done in place, both on the graph alone;
`kernels.py` makes the calls, `plan.py` runs them. There is nothing to generate, so that a deep network is compiled as
soon as a shallow one, and without a compiler.
"""
