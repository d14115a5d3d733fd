import { PanelLeft } from "lucide-react";
import { createContext, useContext } from "react";
import { useTranslation } from "react-i18next";
import { IconButton } from "./button";

/** Opens the navigation where it is a drawer; null where there is none. */
export const SideContext = createContext<(() => void) | null>(null);

/** The button before a page's title that opens the navigation on a small screen. */
export function SideButton() {
  const { t } = useTranslation("ui");
  const open = useContext(SideContext);
  if (!open) return null;
  return <IconButton icon={PanelLeft} label={t("openSide")} onPress={open} className="md:hidden" />;
}
