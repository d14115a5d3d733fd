import { Link } from "@tanstack/react-router";
import { Pin, Users } from "lucide-react";
import { useEffect, useState } from "react";
import { useTranslation } from "react-i18next";
import type { ConversationSummary } from "@/features/chat/api";
import { useCompact } from "@/lib/appearance";
import { cx } from "@/lib/cx";
import { useFormats } from "@/lib/format";
import { useMediaQuery } from "@/lib/use-media-query";
import { Checkbox } from "@/ui/choice";
import { Icon } from "@/ui/icon";
import { useOrganise } from "./acts";
import { ConversationMenu } from "./conversation-menu";
import { RenameField } from "./rename-field";
import { useRowWindow } from "./row-window";

interface Props {
  rows: readonly ConversationSummary[];
  /** The names of folders by id; none leaves the column out. */
  folders: ReadonlyMap<string, string> | null;
  selected: ReadonlySet<string>;
  onSelect: (selected: Set<string>) => void;
  onTag: (tag: string) => void;
  /** Called when the end of what is loaded comes near. */
  onEnd: () => void;
}

/** Conversations as a table whose rows are in the page only while they are near. */
export function ConversationTable({ rows, folders, selected, onSelect, onTag, onEnd }: Props) {
  const { t } = useTranslation("history");
  const { t: ui } = useTranslation("ui");
  const [scroller, setScroller] = useState<HTMLElement | null>(null);
  const touch = useMediaQuery("(pointer: coarse)");
  const compact = useCompact();
  const height = touch ? 52 : compact ? 38 : 44; // --row of tokens.css; on touch the acts of a row want more
  const { first, last, before, after } = useRowWindow(rows.length, height, scroller);
  const atEnd = last >= rows.length - 10;
  useEffect(() => {
    if (atEnd) onEnd();
  }, [atEnd, rows.length, onEnd]);
  const chosen = rows.reduce((n, row) => n + (selected.has(row.id) ? 1 : 0), 0);
  const head = "sticky top-0 z-10 h-row-head border-b border-strong bg-surface px-3 text-left font-normal whitespace-nowrap text-muted";
  const toggle = (id: string, on: boolean) => {
    const next = new Set(selected);
    if (on) next.add(id);
    else next.delete(id);
    onSelect(next);
  };
  return (
    <div ref={setScroller} role="region" aria-label={t("conversations")} tabIndex={-1} className="@container min-h-0 flex-1 overflow-auto outline-none [scrollbar-color:var(--border-strong)_transparent] [scrollbar-width:thin]">
      <table aria-rowcount={rows.length + 1} className="w-full table-fixed border-separate border-spacing-0 text-14">
        <thead>
          <tr aria-rowindex={1}>
            <th scope="col" className={cx(head, "w-14 pr-0! pl-4 max-md:pl-2")}>
              <Checkbox aria-label={ui("selectAll")} isSelected={chosen > 0 && chosen === rows.length} isIndeterminate={chosen > 0 && chosen < rows.length} onChange={(on) => onSelect(new Set(on ? rows.map((row) => row.id) : []))} />
            </th>
            <th scope="col" className={head}>
              {t("title")}
            </th>
            {folders && (
              <th scope="col" className={cx(head, "w-40 @max-[48rem]:hidden")}>
                {t("folder")}
              </th>
            )}
            <th scope="col" className={cx(head, "w-56 @max-[60rem]:hidden")}>
              {t("tags")}
            </th>
            <th scope="col" className={cx(head, "w-36 @max-[36rem]:hidden")}>
              {t("lastActive")}
            </th>
            <th scope="col" className={cx(head, "w-14 max-md:w-13")}>
              <span className="sr-only">{t("acts")}</span>
            </th>
          </tr>
        </thead>
        <tbody>
          {before > 0 && <Room height={before} />}
          {rows.slice(first, last).map((row, i) => (
            <Row key={row.id} row={row} index={first + i + 2} folder={folders && (folders.get(row.folderId ?? "") ?? "")} selected={selected.has(row.id)} onToggle={(on) => toggle(row.id, on)} onTag={onTag} />
          ))}
          {after > 0 && <Room height={after} />}
        </tbody>
      </table>
    </div>
  );
}

/** The place of rows that are far away: one cell, since a span over columns that are not there would make them. */
function Room({ height }: { height: number }) {
  return (
    <tr aria-hidden="true">
      <td style={{ height }} />
    </tr>
  );
}

const tagsShown = 2;

interface RowProps {
  row: ConversationSummary;
  index: number;
  folder: string | null;
  selected: boolean;
  onToggle: (on: boolean) => void;
  onTag: (tag: string) => void;
}

function Row({ row, index, folder, selected, onToggle, onTag }: RowProps) {
  const { t } = useTranslation("history");
  const { t: ui } = useTranslation("ui");
  const format = useFormats();
  const { change } = useOrganise();
  const [renaming, setRenaming] = useState(false);
  const when = row.running ? t("writing") : format.near(row.updatedAt); // under the name where there is no column for it
  const cell = "h-row border-b border-rule px-3 pointer-coarse:h-13";
  return (
    <tr aria-rowindex={index} className={cx("hover:bg-surface-hover", selected && "bg-surface-raised")}>
      <td className={cx(cell, "pr-0! pl-4 max-md:pl-2")}>
        <Checkbox aria-label={ui("selectNamed", { name: row.title })} isSelected={selected} onChange={onToggle} />
      </td>
      <td className={cx(cell, "relative truncate")}>
        {renaming ? (
          <RenameField title={row.title} onKeep={(title) => void change(row, { title })} onDone={() => setRenaming(false)} />
        ) : (
          <Link to="/c/$conversationId" params={{ conversationId: row.id }} search={{}} title={row.title} className="flex min-h-9 items-center gap-2 rounded-4 text-default no-underline hover:underline @max-[36rem]:min-h-0 @max-[36rem]:pt-1 @max-[36rem]:pb-6">
            {row.pinned && (
              <span role="img" aria-label={t("pinned")} className="flex-none text-muted">
                <Icon of={Pin} size={16} />
              </span>
            )}
            <span className="truncate">{row.title}</span>
            {row.shared && (
              <span role="img" aria-label={t("shared")} title={t("shared")} className="flex-none text-muted">
                <Icon of={Users} size={16} />
              </span>
            )}
          </Link>
        )}
        {!renaming && <span className="pointer-events-none absolute bottom-1 left-3 text-14 leading-120 text-muted tabular-nums @min-[36rem]:hidden">{when}</span>}
      </td>
      {folder !== null && <td className={cx(cell, "truncate text-muted @max-[48rem]:hidden")}>{folder}</td>}
      <td className={cx(cell, "@max-[60rem]:hidden")}>
        <span className="flex gap-1 overflow-hidden">
          {row.tags.slice(0, tagsShown).map((tag) => (
            <button key={tag} type="button" title={t("tagShow", { tag })} onClick={() => onTag(tag)} className="max-w-24 min-w-0 truncate rounded-full border border-rule px-2 leading-150 text-muted hover:bg-surface-selected">
              {tag}
            </button>
          ))}
          {row.tags.length > tagsShown && (
            <span title={format.list(row.tags.slice(tagsShown))} className="flex-none px-1 leading-150 text-muted tabular-nums">
              <span aria-hidden="true">{`+${row.tags.length - tagsShown}`}</span>
              <span className="sr-only">{format.list(row.tags.slice(tagsShown))}</span>
            </span>
          )}
        </span>
      </td>
      <td className={cx(cell, "whitespace-nowrap text-muted tabular-nums @max-[36rem]:hidden")}>{when}</td>
      <td className={cx(cell, "px-1!")}>
        <ConversationMenu item={row} onRename={() => setRenaming(true)} />
      </td>
    </tr>
  );
}
