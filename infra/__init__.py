"""The adapters: all I/O, one package per system it talks to, and `wiring`, which puts them together."""
