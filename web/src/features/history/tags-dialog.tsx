import { useQuery } from "@tanstack/react-query";
import { Plus, X } from "lucide-react";
import { useState } from "react";
import { Button as AriaButton } from "react-aria-components";
import { useTranslation } from "react-i18next";
import { isComposing } from "@/lib/composing";
import { Button } from "@/ui/button";
import { Dialog } from "@/ui/dialog";
import { Icon } from "@/ui/icon";
import { TextField } from "@/ui/text-field";
import { tagsQuery } from "./api";

interface Props {
  what: string;
  tags: readonly string[];
  /** The verb on the button. */
  act: string;
  onClose: () => void;
  onSave: (tags: string[]) => unknown;
}

const clean = (name: string) => name.normalize("NFC").replace(/\s+/g, " ").trim();

/** Chooses tags: those in use are offered, new ones are typed. */
export function TagsDialog({ what, tags, act, onClose, onSave }: Props) {
  const { t } = useTranslation("history");
  const { t: ui } = useTranslation("ui");
  const [chosen, setChosen] = useState([...tags]);
  const [typed, setTyped] = useState("");
  const known = useQuery(tagsQuery).data?.items ?? [];
  const add = (name: string) => {
    const tag = clean(name);
    if (tag !== "") setChosen((old) => (old.includes(tag) ? old : [...old, tag]));
  };
  const offered = known.filter((tag) => !chosen.includes(tag.name) && tag.name.includes(clean(typed)));
  const addTyped = () => {
    add(typed);
    setTyped("");
  };
  return (
    <Dialog
      title={t("tags")}
      size="small"
      isOpen
      onClose={onClose}
      footer={
        <>
          <Button onPress={onClose}>{ui("cancel")}</Button>
          <Button
            tone="primary"
            onPress={() => {
              const last = clean(typed);
              onClose();
              onSave(last !== "" && !chosen.includes(last) ? [...chosen, last] : chosen);
            }}
          >
            {act}
          </Button>
        </>
      }
    >
      <p className="mb-3 truncate text-14 text-muted">{what}</p>
      <div className="grid gap-4">
        {chosen.length > 0 && (
          <ul aria-label={t("tagsChosen")} className="flex flex-wrap gap-2">
            {chosen.map((tag) => (
              <li key={tag} className="inline-flex max-w-full items-center rounded-full border border-strong bg-surface-selected pl-3 text-14">
                <span className="truncate">{tag}</span>
                <AriaButton aria-label={t("tagRemove", { tag })} onPress={() => setChosen((old) => old.filter((one) => one !== tag))} className="grid size-8 flex-none place-items-center rounded-full hover:bg-surface-hover pointer-coarse:size-11">
                  <Icon of={X} size={16} />
                </AriaButton>
              </li>
            ))}
          </ul>
        )}
        <div className="flex items-end gap-2">
          <div className="min-w-0 flex-1">
            <TextField
              label={t("tagNew")}
              value={typed}
              onChange={setTyped}
              maxLength={50}
              autoFocus
              autoComplete="off"
              onKeyDown={(event) => {
                // The Enter that ends a conversion of kana is not ours, nor is the Escape that closes the dialog.
                if (event.key !== "Enter" || isComposing(event as unknown as Parameters<typeof isComposing>[0])) return event.continuePropagation();
                event.preventDefault();
                addTyped();
              }}
            />
          </div>
          <Button icon={Plus} onPress={addTyped} disabledReason={clean(typed) === "" && t("tagEmpty")}>
            {t("tagAdd")}
          </Button>
        </div>
        {offered.length > 0 && (
          <div>
            <p className="mb-1 text-14 text-muted">{t("tagsKnown")}</p>
            <ul className="flex max-h-40 flex-wrap gap-2 overflow-y-auto p-0.5">
              {offered.map((tag) => (
                <li key={tag.name} className="max-w-full">
                  <AriaButton onPress={() => add(tag.name)} className="inline-flex min-h-8 max-w-full items-center gap-1 rounded-full border border-strong px-3 text-14 hover:bg-surface-hover pointer-coarse:min-h-11">
                    <Icon of={Plus} size={16} />
                    <span className="truncate">{tag.name}</span>
                  </AriaButton>
                </li>
              ))}
            </ul>
          </div>
        )}
      </div>
    </Dialog>
  );
}
