// Runs before the first paint. The choice is kept per browser as well as per
// account, so that the sign-in page already has it. Keys: src/lib/appearance.ts.
(function () {
  try {
    var root = document.documentElement;
    var theme = localStorage.getItem("kakoi.theme");
    if (theme === "light" || theme === "dark") root.dataset.theme = theme;
    if (localStorage.getItem("kakoi.density") === "compact") root.dataset.density = "compact";
    var locale = localStorage.getItem("kakoi.locale");
    if (locale !== "ja" && locale !== "en") locale = navigator.languages.some(function (l) { return /^ja/i.test(l); }) ? "ja" : "en";
    root.lang = locale;
  } catch {
    // Storage may be forbidden by policy: the system's theme and Japanese stay.
  }
})();
