"""Orders folded into their rows: the order, its lines, parcels, cancel requests and backorders."""
