// Escapes in the quoted words of an inline command, as in C.

/** The byte that a letter behind a backslash stands for; any other stands for itself. */
export function unescaped(byte: u8): u8 {
  if (byte == 0x6e) return 0x0a; // n
  if (byte == 0x72) return 0x0d; // r
  if (byte == 0x74) return 0x09; // t
  if (byte == 0x62) return 0x08; // b
  if (byte == 0x61) return 0x07; // a
  return byte;
}

/** The value of a hexadecimal digit, -1 for none. */
export function hexDigit(byte: u8): i32 {
  if (byte >= 0x30 && byte <= 0x39) return byte - 0x30;
  const letter = byte | 0x20;
  return letter >= 0x61 && letter <= 0x66 ? letter - 0x61 + 10 : -1;
}
