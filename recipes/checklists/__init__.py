"""Checklists on the pocket model: what does a faulty judge do to training, and what helps?"""
