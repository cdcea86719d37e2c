"""What do the exit statuses mean?"""

EXIT_BAD_INPUT = 2
"""The input does not fit; the message names the remedy."""
EXIT_LOST = 3
"""Too much was lost on the way for the numbers to mean what they say."""
EXIT_FAULTS = 4
"""A check found faults."""
EXIT_STOPPED = 130
"""Stopped by the keyboard; the same command goes on."""
