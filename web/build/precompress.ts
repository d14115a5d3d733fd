import { readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { brotliCompress, constants, gzip } from "node:zlib";
import type { Plugin } from "vite";

const text = /\.(js|css|html|svg|json)$/;
const brotli = promisify(brotliCompress);
const gz = promisify(gzip);

/**
 * Writes a `.br` and a `.gz` beside each text file of the output, so that the
 * server sends the best form without compressing anything at run time. A copy
 * that would not be smaller is not written.
 */
export function precompress(): Plugin {
  let outDir = "";
  return {
    name: "kakoi:precompress",
    apply: "build",
    configResolved(config) {
      outDir = config.build.outDir;
    },
    async closeBundle() {
      const files = await readdir(outDir, { recursive: true, withFileTypes: true });
      for (const file of files) {
        if (!file.isFile() || !text.test(file.name)) continue;
        const path = join(file.parentPath, file.name);
        const body = await readFile(path);
        if (body.length < 1024) continue;
        const [b, g] = await Promise.all([
          brotli(body, { params: { [constants.BROTLI_PARAM_QUALITY]: 9, [constants.BROTLI_PARAM_SIZE_HINT]: body.length } }),
          gz(body, { level: 9 }),
        ]);
        if (b.length < body.length) await writeFile(`${path}.br`, b);
        if (g.length < body.length) await writeFile(`${path}.gz`, g);
      }
    },
  };
}
