// Noto Sans JP comes in some 120 slices by unicode range; a page loads only those it needs.
import "@fontsource/noto-sans-jp/400.css";
import "@fontsource/noto-sans-jp/700.css";
import "@fontsource/noto-sans-mono/latin-400.css";
