FLOORS = ("bare_answer", "constant_reply")
