"""A lowered graph as calls of a library, for the engines that generate nothing.

`fuse.py` decides what is one call and `memory.py` what is done in place, both on the graph alone; `tape.py` runs the
calls; `kernels.py` has those that are PyTorch's own on any device. An engine adds its library's convolutions.
"""
