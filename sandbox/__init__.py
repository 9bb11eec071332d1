"""The sandbox: schools, HR systems, an assessor, a finance office and a chat, invented and living through time.

Belongs here: a seeded world, the wires it speaks over real HTTP, and the truth of what must come of it.
Does not: anything of ours. It imports none of the other packages, so that it cannot share their mistakes.
"""
