"""The prose around the tables, wrapped as the page is."""

MEASURED = """\
Measured by `benchmarks/compile.py` on {processor}, {cores} cores, {threads} threads, {system}; Python {python},
{libraries}; at commit {commit}. The rows of a table were measured in one run and in turns. Times are medians with their
quartiles in parentheses, ratios are medians of the ratios of the rounds, and all have equal weights: random ones, with
norm statistics that fit random images, since with untrained ones a deep network overflows."""

COLD = """\
From the module to the first result, in a new process, past `import torch`: with empty caches, and again with what that
left. Ours includes the comparison with eager. Each was done once."""

START = """\
A new process, past `import torch`: loading the artifact, every byte of it checked, and its first answer to a batch of
{batch}. {count} processes each, in turns."""

RUN = """\
The target is that what `--backend auto` takes is at least as fast as the fastest peer, off eager by 1e-4 of the largest
output at most. *Level* is a ratio below 1 whose quartiles reach it. The peers onnxruntime and openvino are given what
`torch.onnx.export` writes. *Of the rate* sets the multiplications and additions of the network against those that a
large matrix product does in the same time on this machine, in the fastest library that PyTorch has for it: what is
left to gain without doing fewer of them."""

PRECISION = """\
Each on the engine that `--backend auto` takes for it. Weights are random here, so that *off eager by* says how far the
outputs are off, and nothing of a trained network's answers."""

INT8 = """\
Each on the engine that `--backend auto` takes for it. Weights are random, and the share of
answers that int8 keeps is of 256 samples of noise."""

TRAINING = """\
A step: forward, backward, SGD with momentum. The ratio of step times is ours to timm's, eager to eager and compiled to
compiled, and of checkpointed blocks to without; the target of the first two is no loss."""

MEMORY = """\
The most that two steps hold beyond one step with a single image, in new processes that alternate, without and with
`module(checkpoint_blocks=True)`."""
