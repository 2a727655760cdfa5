"""Everything that does I/O, by what it talks to, and the one place that wires."""
