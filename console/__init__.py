"""The doors people use: the command line, and later the coordinators' web board.

Belongs here: asking, showing, exit codes. Does not: any decision, query or protocol.
Heavy libraries are imported inside the command that needs them, so that help comes at once.
"""
