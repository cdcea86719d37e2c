"""Which method raises both, from one base, at what cost? Every method of the project on one page."""
