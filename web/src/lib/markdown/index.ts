export { type Block, type CodeBlock, type FlowBlock, type MarkdownDocument, MarkdownReader, type MathBlock, footnoteKey } from "./blocks";
export { DiagramError, type DiagramTheme, type Drawing, drawDiagram, isSvg, svgImage } from "./diagram";
export { highlightLimit, languageExtension, languageName, loadHighlighter } from "./highlight";
export { safeImage, safeLink, splitBareLink } from "./links";
export { type MathElement, type MathPiece, loadTypesetter } from "./math";
export { isBreak, numericColumns, plainText, tableCells, toCsv, toTsv } from "./table";
export { cleanHtml, copyRich, tableHtml } from "./rich-clipboard";
