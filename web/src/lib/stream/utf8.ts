/**
 * Lengths and cuts in UTF-8 bytes of JavaScript strings, which count in UTF-16.
 * The server addresses a place in an answer by bytes, so the two must agree.
 */

/** The number of bytes `text` takes in UTF-8; a lone surrogate counts as U+FFFD. */
export function utf8Length(text: string): number {
  let bytes = 0;
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    if (unit < 0x80) bytes += 1;
    else if (unit < 0x800) bytes += 2;
    else if (isHigh(unit) && isLow(text.charCodeAt(i + 1))) {
      bytes += 4;
      i++;
    } else bytes += 3;
  }
  return bytes;
}

/**
 * `text` without its first `bytes` bytes, or undefined where that would cut a
 * character in two or is more than there is.
 */
export function dropUtf8(text: string, bytes: number): string | undefined {
  let at = 0;
  let i = 0;
  while (at < bytes && i < text.length) {
    const unit = text.charCodeAt(i);
    if (unit < 0x80) at += 1;
    else if (unit < 0x800) at += 2;
    else if (isHigh(unit) && isLow(text.charCodeAt(i + 1))) {
      at += 4;
      i++;
    } else at += 3;
    i++;
  }
  return at === bytes ? text.slice(i) : undefined;
}

function isHigh(unit: number): boolean {
  return unit >= 0xd800 && unit < 0xdc00;
}

function isLow(unit: number): boolean {
  return unit >= 0xdc00 && unit < 0xe000;
}
