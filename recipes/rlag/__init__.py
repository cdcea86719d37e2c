"""Does RLAG teach a small model the facts of an invented world, and what does it cost?"""
