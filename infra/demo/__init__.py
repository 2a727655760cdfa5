"""A marketplace made up for trying Jumun: always the same for the same seed."""
