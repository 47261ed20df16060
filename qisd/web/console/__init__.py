"""The pages that people see: their addresses, the frame around each, and the files that browsers load."""
