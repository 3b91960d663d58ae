"""What a network costs, by the rules of every year of the challenge, and ways to make it cost less."""
