"""Audits and scores: sample or import responses, judge them, and make findings and a page."""
