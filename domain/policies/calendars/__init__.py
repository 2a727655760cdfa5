"""Published calendars, one file per version.  A file is never changed, because events store its name."""
