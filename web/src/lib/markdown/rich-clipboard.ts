import { copyText } from "../clipboard";

/**
 * Puts text on the clipboard with its formatted form beside it, so that a word
 * processor or a spreadsheet takes the one and a mail form the other.
 */
export async function copyRich(text: string, html: string): Promise<boolean> {
  if (window.isSecureContext && typeof ClipboardItem !== "undefined") {
    try {
      await navigator.clipboard.write([
        new ClipboardItem({
          "text/plain": new Blob([text], { type: "text/plain" }),
          "text/html": new Blob([html], { type: "text/html" }),
        }),
      ]);
      return true;
    } catch {
      // Not allowed here: the event below needs no permission.
    }
  }
  let taken = false;
  const give = (event: ClipboardEvent) => {
    event.preventDefault();
    event.clipboardData?.setData("text/plain", text);
    event.clipboardData?.setData("text/html", html);
    taken = event.clipboardData !== null;
  };
  document.addEventListener("copy", give);
  try {
    document.execCommand("copy");
  } finally {
    document.removeEventListener("copy", give);
  }
  return taken || copyText(text);
}

/** The formatted form of something on the page: its words and structure, without our buttons and classes. */
export function cleanHtml(root: Element): string {
  const copy = root.cloneNode(true) as Element;
  for (const element of copy.querySelectorAll("button, [data-copy=skip], .katex-html, svg, img")) element.remove();
  for (const element of [copy, ...copy.querySelectorAll("*")]) {
    for (const { name } of [...element.attributes]) {
      if (!["href", "colspan", "rowspan", "start", "align"].includes(name)) element.removeAttribute(name);
    }
  }
  return copy.innerHTML;
}

/** A table as markup, for the clipboard. */
export function tableHtml(cells: readonly (readonly string[])[]): string {
  const row = (values: readonly string[], tag: "th" | "td") => `<tr>${values.map((value) => `<${tag}>${escapeHtml(value)}</${tag}>`).join("")}</tr>`;
  return `<table>${cells.map((values, i) => row(values, i === 0 ? "th" : "td")).join("")}</table>`;
}

function escapeHtml(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll("\n", "<br>");
}
