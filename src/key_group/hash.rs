//! Key to key group: Flink's murmur step over a 32-bit hash code.
