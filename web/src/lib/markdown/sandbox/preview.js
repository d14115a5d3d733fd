/* global window, document, DOMParser */
// Runs in the preview frame, which has no origin and no network: it shows the
// page it is sent. Nothing in that page runs: a parsed script is dead, the
// policy allows no inline one, and what could act or load is taken out first,
// so that the policy has nothing to refuse.
(function () {
  "use strict";
  const acting = "script,noscript,iframe,frame,frameset,object,embed,applet,base,link,meta,portal,fencedframe,template[shadowrootmode]";
  const loading = new Set(["src", "srcset", "href", "xlink:href", "action", "formaction", "ping", "poster", "background", "data", "target", "srcdoc", "attributionsrc", "imagesrcset"]);

  window.addEventListener("message", function (event) {
    if (event.source !== window.parent || typeof event.data.html !== "string") return;
    const page = new DOMParser().parseFromString(event.data.html, "text/html");
    for (const element of page.querySelectorAll(acting)) element.remove();
    for (const element of page.querySelectorAll("*")) {
      for (const { name, value } of [...element.attributes]) {
        const wanted = /^(?:#|data:image\/)/i.test(value.trim());
        if (name.startsWith("on") || (loading.has(name) && !wanted)) element.removeAttribute(name);
      }
    }
    document.replaceChild(document.adoptNode(page.documentElement), document.documentElement);
  });
  // Nowhere to go from here: the frame shows this page and no other.
  document.addEventListener("click", (event) => event.target.closest("a,area,button,input[type=submit],input[type=image]") && event.preventDefault(), true);
  window.parent.postMessage({ preview: "ready" }, "*");
})();
