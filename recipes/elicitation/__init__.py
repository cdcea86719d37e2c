"""Elicitation on pairs of small models whose truth is planted: what does the panel say of each?"""
