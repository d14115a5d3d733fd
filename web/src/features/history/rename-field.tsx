import { useEffect, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { isComposing } from "@/lib/composing";

interface Props {
  title: string;
  onKeep: (title: string) => void;
  onDone: (byKey: boolean) => void;
}

/** The title as a field, in its place. Enter keeps it, Escape leaves it as it was. */
export function RenameField({ title, onKeep, onDone }: Props) {
  const { t } = useTranslation("history");
  const [value, setValue] = useState(title);
  const field = useRef<HTMLInputElement>(null);
  const ended = useRef(false);
  useEffect(() => {
    // After the menu that led here has given the focus back.
    const timer = setTimeout(() => {
      field.current?.focus();
      field.current?.select();
    }, 60);
    return () => clearTimeout(timer);
  }, []);
  const end = (keep: boolean, byKey: boolean) => {
    if (ended.current) return; // leaving the field follows on the key
    ended.current = true;
    const next = value.trim();
    if (keep && next !== "" && next !== title) onKeep(next);
    onDone(byKey);
  };
  return (
    <input
      ref={field}
      value={value}
      maxLength={200}
      aria-label={t("title")}
      onChange={(event) => setValue(event.target.value)}
      onBlur={() => end(true, false)}
      onKeyDown={(event) => {
        if (isComposing(event)) return;
        if (event.key === "Enter") end(true, true);
        else if (event.key === "Escape") {
          event.stopPropagation();
          end(false, true);
        }
      }}
      className="min-h-row-side w-full rounded-6 border border-control bg-surface px-3 text-14 pointer-coarse:min-h-11"
    />
  );
}
