"""Access control: tokens, and the rights and sellers of each."""
