import { useState, type ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { useMay } from "@/features/account/api";
import type { Permission } from "@/lib/api/types";
import { Button } from "@/ui/button";
import { ConfirmDialog } from "@/ui/dialog";
import { SidePanel } from "@/ui/drawer";
import { toast } from "@/ui/toast";

interface Props {
  title: string;
  subtitle: string;
  onClose: () => void;
  /** What changing it needs: without it there are no acts. */
  writes: Permission;
  /** Why this one stays as it is, for who might change others. */
  fixed?: boolean;
  /** The dialog that changes it. */
  edit: (close: () => void) => ReactNode;
  /** What deleting it asks, does, and says afterwards. */
  deletion: { title: string; consequences: ReactNode; run: () => Promise<unknown>; done: string };
  children: ReactNode;
}

/** The panel of an entry that can be changed and deleted. */
export function EntryPanel({ title, subtitle, onClose, writes, fixed, edit, deletion, children }: Props) {
  const writable = useMay(writes) && !fixed;
  const { t } = useTranslation("common");
  const [asking, setAsking] = useState<"edit" | "delete" | null>(null);
  const close = () => setAsking(null);
  return (
    <>
      <SidePanel
        title={title}
        subtitle={subtitle}
        onClose={onClose}
        footer={
          writable && (
          <>
            <Button size="dense" onPress={() => setAsking("edit")}>
              {t("edit")}
            </Button>
            <Button tone="danger-quiet" size="dense" onPress={() => setAsking("delete")}>
              {t("delete")}
            </Button>
          </>
          )
        }
      >
        {children}
      </SidePanel>
      {asking === "edit" && edit(close)}
      <ConfirmDialog
        title={deletion.title}
        confirmLabel={t("delete")}
        isOpen={asking === "delete"}
        onClose={close}
        onConfirm={async () => {
          await deletion.run();
          onClose();
          toast({ text: deletion.done });
        }}
      >
        {deletion.consequences}
      </ConfirmDialog>
    </>
  );
}
