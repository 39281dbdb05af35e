"""Other annotation tools, each in an environment of its own, started as real servers beside ours."""
