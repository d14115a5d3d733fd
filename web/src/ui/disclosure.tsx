import { ChevronRight } from "lucide-react";
import type { ReactNode } from "react";
import { Button as AriaButton, Disclosure as AriaDisclosure, DisclosurePanel, Heading } from "react-aria-components";
import { Icon } from "./icon";

interface Props {
  title: string;
  isOpen: boolean;
  onToggle: (open: boolean) => void;
  children: ReactNode;
}

/** A part that few need, folded until they do. */
export function Disclosure({ title, isOpen, onToggle, children }: Props) {
  return (
    <AriaDisclosure isExpanded={isOpen} onExpandedChange={onToggle} className="group">
      <Heading className="font-normal [font-feature-settings:normal]">
        <AriaButton slot="trigger" className="-ml-1 inline-flex min-h-9 items-center gap-1 rounded-6 pr-3 text-14 text-muted hover:text-default pointer-coarse:min-h-11">
          <Icon of={ChevronRight} className="transition-transform group-data-[expanded]:rotate-90" />
          {title}
        </AriaButton>
      </Heading>
      <DisclosurePanel>
        <div className="grid gap-4 pt-3">{children}</div>
      </DisclosurePanel>
    </AriaDisclosure>
  );
}
