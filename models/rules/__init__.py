"""The programme's rules as pure functions over plain values; the standard library is all they import.

Belongs here: decisions. Does not: a database, a clock, a calendar library, the network.
"""
