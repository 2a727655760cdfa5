"""The one place that wires: settings in, ledgers, read models, workers and servers out.

Nothing else names an adapter, a clock and a setting together, but `doctor`, which looks at what is there.
"""
