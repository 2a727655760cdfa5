"""The command line interface `jumun`: commands, options, and their output."""
