"""Who may do what: tokens and their rights."""
