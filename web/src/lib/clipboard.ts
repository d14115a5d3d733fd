/**
 * Puts text on the clipboard and reports whether it is there. Plain HTTP
 * inside an office network has no clipboard API, so the older way stands
 * behind it.
 */
export async function copyText(text: string): Promise<boolean> {
  if (window.isSecureContext && navigator.clipboard) {
    try {
      await navigator.clipboard.writeText(text);
      return true;
    } catch {
      // Forbidden by policy or not focused: try the older way.
    }
  }
  const area = document.createElement("textarea");
  area.value = text;
  area.readOnly = true;
  area.className = "sr-only";
  const before = document.activeElement;
  // Inside an open dialog the focus may not leave it.
  (before?.closest("[role=dialog],[role=alertdialog]") ?? document.body).append(area);
  area.select();
  const ok = document.execCommand("copy");
  area.remove();
  if (before instanceof HTMLElement) before.focus();
  return ok;
}
