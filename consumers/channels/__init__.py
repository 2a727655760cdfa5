"""One file per source of real data: each turns what that source tells into inbound messages."""
