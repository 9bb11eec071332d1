"""`yuanmeng serve`: one machine, or one machine's share of many: Prefect's server, workers, and who keeps them alive.

Belongs here: processes, their environment, what they say, their beginning and end. Does not: any flow (flows/).
"""
