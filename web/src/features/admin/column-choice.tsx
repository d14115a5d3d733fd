import { Columns3 } from "lucide-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import type { Column } from "@/ui/table";
import { Button } from "@/ui/button";
import { Menu, MenuChoices, MenuItem } from "@/ui/menu";

/** Which columns a list shows: chosen by the person, remembered on this browser. */
export function useColumns<Row>(list: string, all: readonly Column<Row>[], shownAtFirst: readonly string[]) {
  const key = `kakoi.columns.${list}`;
  const [shown, setShown] = useState<readonly string[]>(() => {
    try {
      const kept: unknown = JSON.parse(localStorage.getItem(key) ?? "null");
      return Array.isArray(kept) ? kept.map(String) : shownAtFirst;
    } catch {
      return shownAtFirst; // forbidden by policy, or not ours
    }
  });
  const choose = (next: readonly string[]) => {
    setShown(next);
    try {
      localStorage.setItem(key, JSON.stringify(next));
    } catch {
      // As above: the choice lasts as long as the page.
    }
  };
  const [first, ...rest] = all;
  return {
    /** Those shown; the first always is. What somebody asked for gives way to nothing. */
    columns: first ? [first, ...rest.filter((c) => shown.includes(c.id)).map((c) => (shownAtFirst.includes(c.id) ? c : { ...c, from: "narrow" as const }))] : [],
    choice: <ColumnChoice columns={rest} shown={shown} onChange={choose} />,
  };
}

function ColumnChoice<Row>({ columns, shown, onChange }: { columns: readonly Column<Row>[]; shown: readonly string[]; onChange: (shown: string[]) => void }) {
  const { t } = useTranslation("people");
  return (
    <Menu
      label={t("accounts.columns")}
      placement="bottom end"
      trigger={
        <Button tone="quiet" size="dense" icon={Columns3}>
          {t("accounts.columns")}
        </Button>
      }
    >
      <MenuChoices values={shown} onChange={onChange}>
        {columns.map((c) => (
          <MenuItem key={c.id} id={c.id}>
            {c.header}
          </MenuItem>
        ))}
      </MenuChoices>
    </Menu>
  );
}
