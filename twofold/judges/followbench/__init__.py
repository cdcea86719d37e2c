"""FollowBench's rules as a judge: its request forms and what each one checks."""
