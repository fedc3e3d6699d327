"""What lies inside the files of a tree: archives, mail, and what an export says of itself."""
