import js from "@eslint/js";
import i18next from "eslint-plugin-i18next";
import jsxA11y from "eslint-plugin-jsx-a11y";
import reactHooks from "eslint-plugin-react-hooks";
import tseslint from "typescript-eslint";

/** Arrows go app → features → ui, lib; never back. */
const arrows = (folder, forbidden) => ({
  files: [`src/${folder}/**/*.{ts,tsx}`],
  rules: {
    "no-restricted-imports": ["error", { patterns: forbidden.map((f) => ({ group: [`@/${f}`, `@/${f}/**`], message: `src/${folder} must not know src/${f}.` })) }],
  },
});

const primitives = "/(^|[\\s:])(bg|text|border|outline|fill|stroke|ring|from|to|accent|decoration)-(white|black|key|blue|light-blue|cyan|green|lime|yellow|orange|red|magenta|purple|solid-gray|opacity-gray|success|error|warning|focus)-[0-9a-z]*[0-9]/";

export default tseslint.config(
  { ignores: ["dist", "dist-mock", "node_modules", "src/lib/api/schema.d.ts"] },
  js.configs.recommended,
  ...tseslint.configs.strict,
  {
    files: ["**/*.{ts,tsx}"],
    plugins: { "react-hooks": reactHooks, "jsx-a11y": jsxA11y, i18next },
    rules: {
      ...reactHooks.configs.recommended.rules,
      ...jsxA11y.flatConfigs.strict.rules,
      "jsx-a11y/no-autofocus": "off", // focus moves on purpose in dialogs and at sign-in
      "@typescript-eslint/no-non-null-assertion": "error",
      "@typescript-eslint/consistent-type-imports": "error",
      "no-console": "error",
      "no-restricted-syntax": [
        "error",
        { selector: `Literal[value=${primitives}]`, message: "Use the semantic colours of theme.css." },
        { selector: `TemplateElement[value.raw=${primitives}]`, message: "Use the semantic colours of theme.css." },
        { selector: "CallExpression[callee.name=/^(toast|announce)$/] > Literal", message: "Say it through the locales." },
        { selector: "CallExpression[callee.name='toast'] Property[key.name='text'] > Literal", message: "Say it through the locales." },
        { selector: "JSXAttribute[name.name='dangerouslySetInnerHTML']", message: "Text from outside never becomes markup." },
      ],
      "i18next/no-literal-string": [
        "error",
        {
          mode: "jsx-only",
          "jsx-attributes": {
            include: ["aria-.*label", "aria-description", "alt", "title", "placeholder", "label", "description", "hint", "heading", "confirmLabel", "emptyText", "text"],
          },
          callees: { exclude: [".*"] }, // keys, class names; toasts are checked above
          "should-validate-template": true,
          words: { exclude: ["[0-9!-/:-@[-`{-~‹›…・（）\\s]+", "Kakoi", "Ctrl", "Ctrl K", "Enter", "Esc"] },
        },
      ],
    },
  },
  { files: ["public/*.js"], languageOptions: { sourceType: "script", globals: { document: "readonly", localStorage: "readonly", navigator: "readonly" } } },
  arrows("ui", ["app", "features"]),
  arrows("lib", ["app", "features", "ui"]),
  arrows("features", ["app"]),
  { files: ["**/*.test.{ts,tsx}", "mock/**", "build/**", "src/test/**"], rules: { "i18next/no-literal-string": "off", "no-restricted-syntax": "off" } },
  { files: ["src/features/kit/**"], rules: { "i18next/no-literal-string": "off", "no-restricted-syntax": "off" } }, // a page for us, with samples for words
);
