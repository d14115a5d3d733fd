import type { ReactNode } from "react";
import { cx } from "@/lib/cx";
import { SideButton } from "@/ui/side-context";

/** The bar over a conversation: its title, the model, what can be done with it. */
export function ChatBar({ title, children, plain = false }: { title?: ReactNode; children: ReactNode; plain?: boolean }) {
  return (
    <header className={cx("flex h-14 flex-none items-center gap-2 border-b pr-4 pl-6 max-md:px-2 print:hidden", plain ? "border-transparent" : "border-rule")}>
      <SideButton />
      {title}
      <span className="flex-1" />
      {children}
    </header>
  );
}
