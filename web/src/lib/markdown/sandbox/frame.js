/* global window, DOMParser, XMLSerializer */
// Runs in the diagram frame, which has no origin: it draws what it is sent and
// sends back the picture as text. Counterpart: src/lib/markdown/diagram.ts.
(function () {
  "use strict";
  const font = '"Noto Sans CJK JP", "Hiragino Sans", "Yu Gothic UI", Meiryo, sans-serif';
  let queue = Promise.resolve();

  async function draw(source, theme) {
    const mermaid = window.mermaid;
    mermaid.initialize({
      startOnLoad: false,
      securityLevel: "strict",
      suppressErrorRendering: true,
      theme: theme === "dark" ? "dark" : "neutral",
      darkMode: theme === "dark",
      fontFamily: font,
      // Labels as SVG text: as HTML they would not be part of a picture everywhere.
      htmlLabels: false,
      flowchart: { htmlLabels: false, useMaxWidth: false },
      class: { htmlLabels: false, useMaxWidth: false },
      sequence: { useMaxWidth: false },
      gantt: { useMaxWidth: false, useWidth: 720 },
      er: { useMaxWidth: false },
      state: { useMaxWidth: false },
      pie: { useMaxWidth: false },
      journey: { useMaxWidth: false },
      mindmap: { useMaxWidth: false },
      timeline: { useMaxWidth: false },
    });
    const { svg } = await mermaid.render("diagram", source);
    const root = new DOMParser().parseFromString(svg, "text/html").querySelector("svg");
    if (!root) throw new Error("nothing was drawn");
    const box = (root.getAttribute("viewBox") || "").split(/[\s,]+/).map(Number);
    const width = Math.ceil(box[2] || parseFloat(root.getAttribute("width")) || 600);
    const height = Math.ceil(box[3] || parseFloat(root.getAttribute("height")) || 400);
    root.setAttribute("xmlns", "http://www.w3.org/2000/svg");
    root.setAttribute("width", String(width));
    root.setAttribute("height", String(height));
    return { svg: new XMLSerializer().serializeToString(root), width: width, height: height };
  }

  window.addEventListener("message", function (event) {
    if (event.source !== window.parent) return;
    const { id, source, theme } = event.data;
    queue = queue
      .then(() => draw(source, theme))
      .then(
        (drawing) => window.parent.postMessage({ id: id, ...drawing }, "*"),
        (error) => window.parent.postMessage({ id: id, error: String((error && error.message) || error) }, "*"),
      );
  });
  window.parent.postMessage({ id: 0, svg: "" }, "*");
})();
