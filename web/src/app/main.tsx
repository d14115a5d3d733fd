import { QueryClientProvider } from "@tanstack/react-query";
import { RouterProvider } from "@tanstack/react-router";
import { StrictMode } from "react";
import { I18nProvider, RouterProvider as AriaRouterProvider } from "react-aria-components";
import { createRoot } from "react-dom/client";
import { useTranslation } from "react-i18next";
import { startLocale } from "@/lib/appearance";
import { startI18n } from "@/lib/i18n";
import { newQueryClient } from "@/lib/query-client";
import "./fonts";
import { newRouter } from "./router";
import "./styles/index.css";

const client = newQueryClient();
const router = newRouter(client);

function App() {
  const { i18n } = useTranslation();
  return (
    <I18nProvider locale={i18n.language === "en" ? "en-GB" : "ja-JP"}>
      <AriaRouterProvider navigate={(href) => void router.navigate({ href })}>
        <QueryClientProvider client={client}>
          <RouterProvider router={router} />
        </QueryClientProvider>
      </AriaRouterProvider>
    </I18nProvider>
  );
}

await startI18n(startLocale());

const root = document.getElementById("root");
if (root)
  createRoot(root).render(
    <StrictMode>
      <App />
    </StrictMode>,
  );
