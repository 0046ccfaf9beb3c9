"""The relay: takes messages from a stream of NATS JetStream, and delivers them to the vendors."""
