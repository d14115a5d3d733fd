/** The browser and the system that a User-Agent header names, or null. Enough to recognise one's own device by. */
export function deviceOf(userAgent: string): { browser: string; os: string } | null {
  const find = (table: [RegExp, string][]) => table.find(([pattern]) => pattern.test(userAgent))?.[1];
  const browser = find([
    [/Edg(e|A|iOS)?\//, "Edge"],
    [/Firefox|FxiOS/, "Firefox"],
    [/Chrome|CriOS/, "Chrome"],
    [/Safari\//, "Safari"],
  ]);
  const os = find([
    [/Windows/, "Windows"],
    [/iPhone|iPad/, "iOS"],
    [/Android/, "Android"],
    [/CrOS/, "ChromeOS"],
    [/Mac OS X|Macintosh/, "macOS"],
    [/Linux/, "Linux"],
  ]);
  return browser && os ? { browser, os } : null;
}
