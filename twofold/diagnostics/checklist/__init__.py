"""Checklists: which criteria do replies meet according to a judge, and how often is the judge wrong?"""
