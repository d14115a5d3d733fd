import type { ReactNode } from "react";
import { Tab, TabList, TabPanel, Tabs as AriaTabs } from "react-aria-components";

interface Props<V extends string> {
  label: string;
  value: V;
  onChange: (value: V) => void;
  tabs: { value: V; label: string; content: ReactNode }[];
}

/** Several faces of one thing. The one shown belongs in the address. */
export function Tabs<V extends string>({ label, value, onChange, tabs }: Props<V>) {
  return (
    <AriaTabs selectedKey={value} onSelectionChange={(key) => onChange(key as V)}>
      <TabList aria-label={label} className="flex gap-1 overflow-x-auto border-b border-rule">
        {tabs.map((tab) => (
          <Tab
            key={tab.value}
            id={tab.value}
            className="-mb-px min-h-11 cursor-pointer content-center border-b-2 border-transparent px-3 text-14 whitespace-nowrap text-muted outline-none hover:text-default data-[focus-visible]:focus-ring data-[selected]:border-[var(--text)] data-[selected]:font-bold data-[selected]:text-default"
          >
            {tab.label}
          </Tab>
        ))}
      </TabList>
      {tabs.map((tab) => (
        <TabPanel key={tab.value} id={tab.value} className="pt-6 outline-none data-[focus-visible]:focus-ring">
          {tab.content}
        </TabPanel>
      ))}
    </AriaTabs>
  );
}
