"""The GET routes: questions, one order, parked messages, and outcomes."""
