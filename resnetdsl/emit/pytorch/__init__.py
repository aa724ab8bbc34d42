"""A checked graph as readable PyTorch source. What `spec.network(...).module()` returns is this source, run.

leaves      each node's `Call`, its numbers cut out
tree        which scopes are modules
bodies      what each module does, tensors numbered from its own arguments on
classes     which modules are copies of one class; parameters: what its constructor takes
writer      a class as source: registry (its `__init__`), forward (its `forward`)
document    the file
"""
