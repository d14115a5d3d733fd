import { FileUp } from "lucide-react";
import { useEffect, useEffectEvent, useState } from "react";
import { createPortal } from "react-dom";
import { useTranslation } from "react-i18next";
import { Icon } from "@/ui/icon";

/** Takes files that are dropped anywhere on the page, and shows where they would go. */
export function DropArea({ onFiles, limits }: { onFiles: (files: Iterable<File>) => void; limits: string }) {
  const { t } = useTranslation("chat");
  const [over, setOver] = useState(false);
  const take = useEffectEvent(onFiles);
  useEffect(() => {
    const holdsFiles = (event: DragEvent) => Boolean(event.dataTransfer?.types.includes("Files"));
    // What lies over the page has the pointer to itself.
    const covered = () => document.querySelector("[role=dialog],[role=alertdialog]") !== null;
    const onOver = (event: DragEvent) => {
      if (!holdsFiles(event)) return;
      event.preventDefault(); // else the browser opens the file in place of the page
      setOver(!covered());
    };
    const onLeave = (event: DragEvent) => {
      if (event.relatedTarget === null) setOver(false);
    };
    const onDrop = (event: DragEvent) => {
      setOver(false);
      const files = event.dataTransfer?.files;
      if (!files || files.length === 0) return;
      event.preventDefault();
      if (!covered()) take(files);
    };
    window.addEventListener("dragenter", onOver);
    window.addEventListener("dragover", onOver);
    window.addEventListener("dragleave", onLeave);
    window.addEventListener("drop", onDrop);
    return () => {
      window.removeEventListener("dragenter", onOver);
      window.removeEventListener("dragover", onOver);
      window.removeEventListener("dragleave", onLeave);
      window.removeEventListener("drop", onDrop);
    };
  }, []);
  if (!over) return null;
  return createPortal(
    <div className="pointer-events-none absolute inset-0 z-30 grid place-items-center bg-surface/85 p-4">
      <div className="absolute inset-4 rounded-12 border-2 border-dashed border-accent" />
      <p className="grid justify-items-center gap-2 rounded-12 bg-surface-overlay px-8 py-6 text-center shadow-overlay">
        <Icon of={FileUp} className="text-accent" />
        <span className="text-18 font-bold">{t("dropHere")}</span>
        <span className="text-14 text-muted">{limits}</span>
      </p>
    </div>,
    document.getElementById("main") ?? document.body,
  );
}
