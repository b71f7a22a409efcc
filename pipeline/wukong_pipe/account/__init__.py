"""What a build will ask for, what it got, and what it changed."""
