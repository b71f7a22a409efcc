"""In which order a build asks, by which jobs, and who does them."""
