import type { Nodes, Table } from "mdast";

/** The words of a node, as they are read. */
export function plainText(node: Nodes): string {
  switch (node.type) {
    case "text":
    case "inlineCode":
    case "code":
    case "inlineMath":
      return node.value;
    case "break":
      return "\n";
    case "html":
      return isBreak(node.value) ? "\n" : node.value;
    case "image":
    case "imageReference":
      return node.alt ?? "";
    case "footnoteReference":
      return "";
    default:
      return "children" in node ? node.children.map(plainText).join("") : "";
  }
}

/** The one tag that is taken for what it means: models write it in table cells. */
export function isBreak(html: string): boolean {
  return /^<br\s*\/?>$/i.test(html);
}

/** The cells of a table as text, its header first. */
export function tableCells(table: Table): string[][] {
  return table.children.map((row) => row.children.map((cell) => plainText(cell).trim()));
}

/** For the clipboard: a spreadsheet takes it cell by cell. */
export function toTsv(cells: readonly string[][]): string {
  return cells.map((row) => row.map((cell) => quote(cell, /["\t\n]/)).join("\t")).join("\r\n");
}

/** For a file: with the mark that makes Excel read it as UTF-8. */
export function toCsv(cells: readonly string[][]): string {
  return "\ufeff" + cells.map((row) => row.map((cell) => quote(cell, /[",\n]/)).join(",")).join("\r\n") + "\r\n";
}

function quote(cell: string, special: RegExp): string {
  // A cell that begins like a formula would be one in a spreadsheet; a number with its sign stays one.
  const text = /^[=@\t\r]/.test(cell) || (/^[+-]/.test(cell) && !/^[+-][\d.,]+[%\p{L}]*$/u.test(cell)) ? `'${cell}` : cell;
  return special.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

const number = /^[+\-−±▲△]?[¥$€]?\s?[\d０-９][\d０-９,，.．]*\s?(?:%|％|円|万円|億円|千円|人|件|点|個|台|回|日|時間|分|秒|kg|km|m|㎡|m²|℃)?$/;

/** Which columns hold only numbers, so that they are set to the right. */
export function numericColumns(cells: readonly string[][]): boolean[] {
  const [header = [], ...body] = cells;
  return header.map((_, column) => {
    const values = body.map((row) => row[column] ?? "").filter((value) => value !== "" && value !== "-" && value !== "―" && value !== "—");
    return values.length > 0 && values.every((value) => number.test(value));
  });
}
