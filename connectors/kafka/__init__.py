"""Kafka: the broker that news comes from and alerts go to. Nothing else in the project imports kafka-python."""
