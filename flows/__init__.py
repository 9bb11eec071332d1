"""What runs, and in what order: one file a flow, sequence only.

Belongs here: the order of steps. Does not: any decision, query or call to the outside (tasks).
Parameters are opaque codes, never personal data.
"""
