"""Inductor as an engine: the whole network compiled ahead of time to code of its own, on a GPU or a CPU."""
