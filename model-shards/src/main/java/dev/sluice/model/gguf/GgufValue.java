package dev.sluice.model.gguf;

/**
 * Where a metadata value lies in its file; nothing of it is decoded.
 *
 * @param type its type
 * @param elementType of an array, the type of its elements; else {@code type}
 * @param count of an array, its elements; else 1
 * @param start offset of the value (of an array: of its first element; of a string: of its length)
 * @param end offset behind the value
 */
record GgufValue(GgufValueType type, GgufValueType elementType, int count, long start, long end) {}
