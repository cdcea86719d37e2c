"""What do judged checklists say, and how often does the judge err?"""
