"""Servers that nobody here wrote, each in an environment of its own, and our connectors talking to them."""
