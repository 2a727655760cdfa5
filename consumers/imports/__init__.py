"""Sets of real order data become inbound messages: one converter for each set."""
