"""Converts public sets of order data to inbound messages: one converter per set."""
