"""Folds the events of orders into rows: order, lines, parcels, cancel requests and backorders."""
