"""What the emulators of the vendors share: values in, values out, no I/O."""
