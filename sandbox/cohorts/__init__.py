"""The cohorts: the smooth story everyone gets from one template, and what goes wrong, written by hand.

Belongs here: one module a cohort, the template and the changes. Does not: any wire.
"""
