"""Checklists on the pocket model: what a faulty judge does to training, and what helps."""
