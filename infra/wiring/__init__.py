"""Builds ledgers, read models, workers and servers from the settings.

No other module combines adapters, clocks and settings, except `doctor`, which inspects an installation.
"""
