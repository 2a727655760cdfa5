"""The rules of order fulfilment: pure, without clock, disk or chance."""
