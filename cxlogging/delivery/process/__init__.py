"""What happens to the process: forks, its exit, signals."""
