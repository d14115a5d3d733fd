import type { Root } from "hast";

/** Code longer than this is shown plain: colouring it would hold up the page. */
export const highlightLimit = 40_000;

type Highlighter = (language: string, code: string) => Root | undefined;

let loading: Promise<Highlighter> | undefined;

/** Loads the highlighter once, when the first code block appears. */
export function loadHighlighter(): Promise<Highlighter> {
  loading ??= import("lowlight").then(({ common, createLowlight }) => {
    const lowlight = createLowlight(common);
    return (language, code) => (lowlight.registered(language) ? lowlight.highlight(language, code) : undefined);
  });
  return loading;
}

const names: Record<string, string> = {
  bash: "Bash",
  c: "C",
  cpp: "C++",
  cs: "C#",
  csharp: "C#",
  css: "CSS",
  csv: "CSV",
  diff: "Diff",
  go: "Go",
  graphql: "GraphQL",
  html: "HTML",
  ini: "INI",
  java: "Java",
  javascript: "JavaScript",
  js: "JavaScript",
  json: "JSON",
  jsx: "JSX",
  kotlin: "Kotlin",
  latex: "LaTeX",
  makefile: "Makefile",
  markdown: "Markdown",
  md: "Markdown",
  mermaid: "Mermaid",
  php: "PHP",
  powershell: "PowerShell",
  py: "Python",
  python: "Python",
  r: "R",
  ruby: "Ruby",
  rust: "Rust",
  sh: "Shell",
  shell: "Shell",
  sql: "SQL",
  svg: "SVG",
  swift: "Swift",
  toml: "TOML",
  ts: "TypeScript",
  tsx: "TSX",
  typescript: "TypeScript",
  vb: "VBA",
  vba: "VBA",
  vbnet: "VB.NET",
  xml: "XML",
  yaml: "YAML",
  yml: "YAML",
};

/** What a language is called, for the label of a block; as written when unknown. */
export function languageName(language: string): string {
  return names[language.toLowerCase()] ?? language;
}

/** The ending of a file in this language. */
export function languageExtension(language: string): string {
  const endings: Record<string, string> = { python: "py", javascript: "js", typescript: "ts", shell: "sh", bash: "sh", markdown: "md", csharp: "cs", ruby: "rb", rust: "rs", powershell: "ps1", kotlin: "kt", yaml: "yml", vba: "bas", vb: "bas", mermaid: "mmd" };
  const key = language.toLowerCase();
  return endings[key] ?? (/^[a-z0-9]{1,5}$/.test(key) ? key : "txt");
}
