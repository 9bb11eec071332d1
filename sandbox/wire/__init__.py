"""What the world speaks: one module a protocol, each answering as of the business date.

Belongs here: requests and answers as the real systems make them. Does not: the facts (cohorts/).
"""
