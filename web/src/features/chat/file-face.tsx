import { FileSpreadsheet, FileText } from "lucide-react";
import { cx } from "@/lib/cx";
import { Icon } from "@/ui/icon";

interface Props {
  name: string;
  /** Of an image. */
  preview?: string | undefined;
  className?: string;
}

/** The small picture of a file: what an image shows, a sheet of paper for a document. */
export function FileFace({ name, preview, className }: Props) {
  if (preview) return <img src={preview} alt="" className={cx("size-11 flex-none rounded-4 bg-surface-raised object-cover", className)} />;
  return (
    <span className={cx("grid size-11 flex-none place-items-center rounded-4 bg-surface-raised text-muted", className)}>
      <Icon of={/\.(csv|xlsx)$/i.test(name) ? FileSpreadsheet : FileText} />
    </span>
  );
}
