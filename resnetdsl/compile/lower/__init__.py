"""A checked graph to the graph of what inference computes. Passes never touch a module: training stays possible.

`lowered.py` says what comes out, `pipeline.py` in which order the passes run, `rewrite.py` is how they change a graph;
every other file here is one pass: its pattern, what it does, and why that is legal.
"""
