import { X } from "lucide-react";
import type { ReactNode } from "react";
import { Dialog as AriaDialog, Heading, Modal, ModalOverlay } from "react-aria-components";
import { useTranslation } from "react-i18next";
import { useMediaQuery } from "@/lib/use-media-query";
import { IconButton } from "./button";

interface DrawerProps {
  /** Names it for those who do not see it. */
  label: string;
  side: "left" | "right";
  isOpen: boolean;
  onClose: () => void;
  children: ReactNode;
}

/** A side that comes over the page where there is no room beside it. */
export function Drawer({ label, side, isOpen, onClose, children }: DrawerProps) {
  return (
    <ModalOverlay isOpen={isOpen} onOpenChange={(open) => !open && onClose()} isDismissable className="fixed inset-0 z-30 bg-scrim entering:animate-appear">
      <Modal
        className={
          side === "left"
            ? "fixed inset-y-0 left-0 flex w-[min(20rem,calc(100vw-3rem))] flex-col bg-surface-side shadow-overlay entering:animate-slide-left"
            : "fixed inset-y-0 right-0 flex w-[min(26rem,100vw)] flex-col bg-surface shadow-overlay entering:animate-slide-right"
        }
      >
        <AriaDialog aria-label={label} className="flex min-h-0 flex-1 flex-col outline-none">
          {children}
        </AriaDialog>
      </Modal>
    </ModalOverlay>
  );
}

interface SidePanelProps {
  title: string;
  subtitle?: ReactNode;
  onClose: () => void;
  children: ReactNode;
  /** The acts on the thing shown, at the foot. */
  footer?: ReactNode;
}

function PanelBody({ title, subtitle, onClose, children, footer, modal }: SidePanelProps & { modal: boolean }) {
  const { t } = useTranslation("ui");
  return (
    <>
      <div className="flex items-start justify-between gap-3 py-4 pr-3 pl-6 max-md:pl-4">
        <div className="min-w-0">
          {modal ? (
            <Heading slot="title" className="text-18">
              {title}
            </Heading>
          ) : (
            <h2 className="text-18">{title}</h2>
          )}
          {subtitle && <p className="text-14 text-muted">{subtitle}</p>}
        </div>
        <IconButton icon={X} label={t("closeNamed", { name: title })} size="dense" onPress={onClose} />
      </div>
      <div className="min-h-0 flex-1 overflow-y-auto text-14">{children}</div>
      {footer && <div className="flex flex-wrap justify-between gap-2 border-t border-rule py-2 pr-3 pl-6 max-md:pl-4">{footer}</div>}
    </>
  );
}

/** The details of one row, beside its table; over it where there is no room. */
export function SidePanel(props: SidePanelProps) {
  const beside = useMediaQuery("(min-width: 75rem)");
  if (!beside) {
    return (
      <Drawer side="right" label={props.title} isOpen onClose={props.onClose}>
        <PanelBody {...props} modal />
      </Drawer>
    );
  }
  return (
    <aside aria-label={props.title} className="flex min-h-0 w-86 flex-none flex-col border-l border-rule">
      <PanelBody {...props} modal={false} />
    </aside>
  );
}

/** One question of a side panel, with a rule above it. */
export function PanelSection({ title, children }: { title: string; children: ReactNode }) {
  return (
    <section className="border-t border-rule px-6 py-4 max-md:px-4">
      <h3 className="mb-2 text-14">{title}</h3>
      {children}
    </section>
  );
}
