"""The command `jumun`: what a person types, and what he sees."""
