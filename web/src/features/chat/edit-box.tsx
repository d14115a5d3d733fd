import { type KeyboardEvent, useEffect, useId, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { useMe } from "@/features/account/api";
import { isComposing } from "@/lib/composing";
import { useMediaQuery } from "@/lib/use-media-query";
import { Button } from "@/ui/button";

interface Props {
  text: string;
  /** What the field is called. */
  label: string;
  saveLabel: string;
  hint?: string;
  /** A message may be its files alone. */
  mayBeEmpty?: boolean;
  onSave: (text: string) => Promise<boolean>;
  onClose: () => void;
}

/** Words that are there, to be written otherwise, in their place. */
export function EditBox({ text, label, saveLabel, hint, mayBeEmpty = false, onSave, onClose }: Props) {
  const { t } = useTranslation("chat");
  const { preferences } = useMe();
  const touch = useMediaQuery("(pointer: coarse)");
  const field = useRef<HTMLTextAreaElement>(null);
  const [value, setValue] = useState(text);
  const [saving, setSaving] = useState(false);
  const hintId = useId();

  useEffect(() => {
    const box = field.current;
    box?.focus();
    box?.setSelectionRange(box.value.length, box.value.length);
  }, []);

  const empty = value.trim() === "" && !mayBeEmpty;
  const save = async () => {
    if (empty || saving) return;
    setSaving(true);
    const done = await onSave(value);
    setSaving(false);
    if (done) onClose();
  };
  const onKeyDown = (event: KeyboardEvent) => {
    if (isComposing(event)) return;
    if (event.key === "Escape") {
      event.preventDefault();
      event.stopPropagation();
      onClose();
    } else if (event.key === "Enter") {
      const withControl = event.ctrlKey || event.metaKey;
      if (!withControl && (preferences.sendKey !== "enter" || touch || event.shiftKey || event.altKey)) return;
      event.preventDefault();
      void save();
    }
  };

  return (
    <div className="grid gap-2">
      <textarea
        ref={field}
        value={value}
        rows={Math.min(12, Math.max(2, value.split("\n", 12).length))}
        onChange={(event) => setValue(event.target.value)}
        onKeyDown={onKeyDown}
        aria-label={label}
        aria-describedby={hint ? hintId : undefined}
        className="block max-h-[60vh] w-full field-sizing-content resize-none rounded-8 border border-control bg-surface px-3 py-2 leading-prose [word-break:normal] [scrollbar-width:thin]"
      />
      <div className="flex flex-wrap items-center justify-end gap-2">
        {hint && (
          <p id={hintId} className="mr-auto min-w-48 flex-1 text-14 text-muted">
            {hint}
          </p>
        )}
        <div className="flex gap-2">
          <Button size="dense" onPress={onClose}>
            {t("cancel")}
          </Button>
          <Button size="dense" tone="primary" isPending={saving} pendingLabel={t("sending")} disabledReason={empty && t("nothingToSend")} onPress={() => void save()}>
            {saveLabel}
          </Button>
        </div>
      </div>
    </div>
  );
}
