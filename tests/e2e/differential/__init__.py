"""Differential runs: scripted protocol messages to the oracle and to the target, replies compared."""
