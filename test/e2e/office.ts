import { inflateRawSync } from "node:zlib";

/** The files of a zip by their names, such as the parts of a Word or Excel file. */
export function unzip(data: Buffer): Map<string, Buffer> {
  const end = data.lastIndexOf(Buffer.from("PK\x05\x06", "latin1"));
  if (end < 0) throw new Error("this is no zip");
  const files = new Map<string, Buffer>();
  let at = data.readUInt32LE(end + 16);
  for (let n = data.readUInt16LE(end + 10); n > 0; n--) {
    const [method, packed, names, extras, comments, header] = [data.readUInt16LE(at + 10), data.readUInt32LE(at + 20), data.readUInt16LE(at + 28), data.readUInt16LE(at + 30), data.readUInt16LE(at + 32), data.readUInt32LE(at + 42)];
    const name = data.subarray(at + 46, at + 46 + names).toString("utf8");
    const begin = header + 30 + data.readUInt16LE(header + 26) + data.readUInt16LE(header + 28);
    const content = data.subarray(begin, begin + packed);
    files.set(name, method === 8 ? inflateRawSync(content) : content);
    at += 46 + names + extras + comments;
  }
  return files;
}

/** The text of a part, and a complaint if it is not there. */
export function part(files: Map<string, Buffer>, name: string): string {
  const data = files.get(name);
  if (!data) throw new Error(`there is no ${name} among ${[...files.keys()].join(", ")}`);
  return data.toString("utf8");
}

const entities: Record<string, string> = { lt: "<", gt: ">", amp: "&", quot: '"', apos: "'" };

/** The words of XML, without its marks. */
export const wordsOf = (xml: string): string =>
  xml.replace(/<[^>]*>/g, "").replace(/&(?:#(\d+)|#x([\da-fA-F]+)|(\w+));/g, (_, decimal: string, hex: string, name: string) =>
    decimal ? String.fromCodePoint(Number(decimal)) : hex ? String.fromCodePoint(parseInt(hex, 16)) : (entities[name] ?? ""));
