"""Tests of the parts of a serve, each with real processes."""
