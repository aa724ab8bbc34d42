"""Checked graph and module to an optimised artifact, and back to something that runs.

`options`, `errors`, `files` and `inputs` import no torch, so a command line can read its options and refuse
a hopeless output folder before the wait begins; the rest may.
"""
