import { Ellipsis, Pencil } from "lucide-react";
import { type Ref, memo, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { cx } from "@/lib/cx";
import { useFormats } from "@/lib/format";
import { IconButton } from "@/ui/button";
import { CopyButton } from "@/ui/copy-button";
import { Menu } from "@/ui/menu";
import type { FilePart, Message, Part } from "./api";
import { EditBox } from "./edit-box";
import { FileFace } from "./file-face";
import { SiblingSwitcher, forkItems, useBusy, useMessageActs } from "./message-acts";
import { useReading } from "./reading";

interface Props {
  parts: readonly Part[];
  /** The message itself, once it is known; absent while it is on its way to the server. */
  message?: Message;
}

/** What the person said: on a quiet raised surface, to the right. */
export const PersonMessage = memo(function PersonMessage({ parts, message }: Props) {
  const { t } = useTranslation("chat");
  const format = useFormats();
  const acts = useMessageActs();
  const { speaker = t("you"), fileUrl } = useReading();
  const [editing, setEditing] = useState(false);
  const pencil = useRef<HTMLButtonElement>(null);
  const text = parts.map((part) => (part.type === "text" ? part.text : "")).join("");
  const files = parts.filter((part): part is FilePart => part.type === "image" || part.type === "document");
  return (
    <article aria-label={speaker} className={cx("group mt-[calc(var(--turn)*0.75)] mb-2 ml-auto max-w-[37.5rem] max-md:mt-4 print:max-w-full", editing ? "w-full" : "w-fit max-md:max-w-[92%]")}>
      <h2 className="sr-only">{speaker}</h2>
      <div className={cx("rounded-12 bg-surface-raised px-4 py-item leading-prose transition-opacity", !message && "opacity-70")}>
        {files.length > 0 && (
          <ul className={cx("flex flex-wrap gap-2", text !== "" && "mb-2")}>
            {files.map((file) => (
              <li key={file.attachmentId} className="min-w-0">
                {file.type === "image" ? (
                  <a href={fileUrl(file.attachmentId)} target="_blank" rel="noopener" title={file.name} className="block rounded-8">
                    <img src={fileUrl(file.attachmentId)} alt={file.name} loading="lazy" className="max-h-48 max-w-full rounded-8 border border-rule object-contain" />
                  </a>
                ) : (
                  <a
                    href={fileUrl(file.attachmentId)}
                    download={file.name}
                    title={t("downloadNamed", { name: file.name })}
                    className="flex items-center gap-2 rounded-8 border border-rule bg-surface p-1 pr-3 text-14 leading-[1.35] text-default no-underline hover:bg-surface-hover"
                  >
                    <FileFace name={file.name} />
                    <span className="grid min-w-0">
                      <span className="max-w-60 truncate">{file.name}</span>
                      <span className="text-muted">{format.bytes(file.size)}</span>
                    </span>
                  </a>
                )}
              </li>
            ))}
          </ul>
        )}
        {editing && message && acts ? (
          <EditBox
            text={text}
            label={t("editField")}
            saveLabel={t("editSend")}
            hint={files.length > 0 ? t("editHintFiles", { count: files.length }) : t("editHint")}
            mayBeEmpty={files.length > 0}
            onSave={(words) => acts.edit(message, words)}
            onClose={() => {
              setEditing(false);
              requestAnimationFrame(() => pencil.current?.focus());
            }}
          />
        ) : (
          text !== "" && <LongText text={text} label={speaker} />
        )}
      </div>
      <div className="mt-1 flex min-h-8 items-center justify-end text-muted print:hidden">
        {message && !editing && (
          <span className="chat-acts flex items-center">
            {text !== "" && <CopyButton text={text} label={t("copyWords")} />}
            {acts && <EditButton ref={pencil} onPress={() => setEditing(true)} />}
            {acts && (
              <Menu label={t("more")} placement="bottom end" trigger={<IconButton icon={Ellipsis} iconSize={16} size="dense" label={t("more")} />}>
                {forkItems(acts, message, t)}
              </Menu>
            )}
          </span>
        )}
        {message && !editing && <SiblingSwitcher message={message} />}
      </div>
    </article>
  );
});

function EditButton({ ref, onPress }: { ref: Ref<HTMLButtonElement>; onPress: () => void }) {
  const { t } = useTranslation("chat");
  const busy = useBusy();
  return <IconButton ref={ref} icon={Pencil} iconSize={16} size="dense" label={t("editQuestion")} disabledReason={busy && t("busy")} onPress={onPress} />;
}

/** Words of a person as they were typed; very long ones scroll in their place. */
function LongText({ text, label }: { text: string; label: string }) {
  // Breaking by phrases takes time that grows with the square of a paragraph.
  const words = cx("whitespace-pre-wrap [overflow-wrap:anywhere]", text.length > 1500 && "[word-break:normal]");
  if (text.length <= 4000) return <div className={words}>{text}</div>;
  return (
    // eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex -- it scrolls, so the keyboard must reach it
    <div className={cx(words, "max-h-[50vh] overflow-y-auto [scrollbar-width:thin] print:max-h-none")} tabIndex={0} role="region" aria-label={label}>
      {text}
    </div>
  );
}
