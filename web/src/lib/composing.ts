import type { KeyboardEvent } from "react";

/**
 * Whether an input method still has the key: the flag, the code 229 that stands
 * in for it in Safari (where the composition ends before the key comes), or both.
 */
export function isComposing(event: KeyboardEvent): boolean {
  return event.nativeEvent.isComposing || event.keyCode === 229;
}
