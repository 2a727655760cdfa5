"""Published calendars, one file per version.  None is ever changed: decisions name them."""
