import { X } from "lucide-react";
import { useState, type ReactNode } from "react";
import { Dialog as AriaDialog, Heading, Modal, ModalOverlay } from "react-aria-components";
import { useTranslation } from "react-i18next";
import { isAbort, toApiError, type ApiError } from "@/lib/api/error";
import { cx } from "@/lib/cx";
import { Button, IconButton } from "./button";
import { ErrorNotice } from "./error-notice";

interface DialogProps {
  title: string;
  isOpen: boolean;
  onClose: () => void;
  /** small for a question, normal for a form, large for work with a list. */
  size?: "small" | "normal" | "large";
  /** Clicking beside it closes it; not while something typed would be lost. */
  dismissable?: boolean;
  role?: "dialog" | "alertdialog";
  children: ReactNode;
  /** The acts, the main one last. */
  footer?: ReactNode;
}

const widths = { small: "max-w-[28rem]", normal: "max-w-[36rem]", large: "max-w-[52rem]" };

/** Something to be answered before going on. The focus returns to where it came from. */
export function Dialog({ title, isOpen, onClose, size = "normal", dismissable = false, role = "dialog", children, footer }: DialogProps) {
  const { t } = useTranslation("ui");
  return (
    <ModalOverlay
      isOpen={isOpen}
      onOpenChange={(open) => !open && onClose()}
      isDismissable={dismissable}
      className="fixed inset-0 z-40 flex h-(--visual-viewport-height) items-center justify-center bg-scrim p-4 entering:animate-appear max-md:items-end max-md:p-0"
    >
      <Modal className={cx("flex max-h-full w-full flex-col rounded-12 bg-surface-overlay shadow-overlay max-md:max-h-[92%] max-md:max-w-none max-md:rounded-b-none", widths[size])}>
        <AriaDialog role={role} className="flex min-h-0 flex-1 flex-col outline-none">
          <div className="flex items-start justify-between gap-4 px-6 pt-5 pb-3 max-md:px-4">
            <Heading slot="title" className="text-20">
              {title}
            </Heading>
            <IconButton icon={X} label={t("close")} size="dense" onPress={onClose} className="-mt-1 -mr-2" />
          </div>
          <div className="min-h-0 flex-1 overflow-y-auto px-6 pb-6 max-md:px-4">{children}</div>
          {footer && <div className="flex flex-wrap justify-end gap-2 border-t border-rule px-6 py-3 max-md:px-4">{footer}</div>}
        </AriaDialog>
      </Modal>
    </ModalOverlay>
  );
}

interface ConfirmDialogProps {
  /** A question that names the thing: 「佐伯 由美子」を停止しますか */
  title: string;
  /** What will follow from it. */
  children: ReactNode;
  /** The act, as a verb. */
  confirmLabel: string;
  pendingLabel?: string;
  tone?: "danger" | "primary";
  isOpen: boolean;
  onClose: () => void;
  /** Resolves when it is done; a failure is shown in the dialog, which stays. */
  onConfirm: () => Promise<unknown>;
}

/** Asks before an act that cannot be undone. */
export function ConfirmDialog({ title, children, confirmLabel, pendingLabel, tone = "danger", isOpen, onClose, onConfirm }: ConfirmDialogProps) {
  const { t } = useTranslation("ui");
  const [pending, setPending] = useState(false);
  const [failure, setFailure] = useState<ApiError | null>(null);

  const close = () => {
    setFailure(null);
    onClose();
  };
  const confirm = async () => {
    setPending(true);
    setFailure(null);
    try {
      await onConfirm();
      close();
    } catch (err) {
      if (!isAbort(err)) setFailure(toApiError(err));
    } finally {
      setPending(false);
    }
  };

  return (
    <Dialog
      title={title}
      role="alertdialog"
      size="small"
      isOpen={isOpen}
      onClose={close}
      footer={
        <>
          <Button onPress={close} autoFocus>
            {t("cancel")}
          </Button>
          <Button tone={tone} isPending={pending} pendingLabel={pendingLabel} onPress={() => void confirm()}>
            {confirmLabel}
          </Button>
        </>
      }
    >
      <div className="grid gap-3 leading-prose">{children}</div>
      {failure && <ErrorNotice error={failure} className="mt-4" />}
    </Dialog>
  );
}
