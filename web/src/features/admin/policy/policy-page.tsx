import { useNavigate, useSearch } from "@tanstack/react-router";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { TextLink } from "@/ui/button";
import { Page, Scroll } from "@/ui/page";
import { Tabs } from "@/ui/tabs";
import type { Answer, PolicyTab, Question } from "./api";
import { GenerateTab, type Written } from "./generate-tab";
import { emptyQuestion } from "./question";
import { SimulateTab } from "./simulate-tab";

/** What AWS's policies allow, and those that are needed. AWS is not asked. */
export function PolicyPage() {
  const { t } = useTranslation("policy");
  const { tab = "simulate", model, region } = useSearch({ from: "/admin/policy" });
  const navigate = useNavigate({ from: "/admin/policy" });
  const open = (next: PolicyTab) => void navigate({ search: { tab: next === "simulate" ? undefined : next }, replace: true });
  // What was asked last stays while the other face is shown.
  const [asked, setAsked] = useState<{ question: Question; answer?: Answer; n: number }>(() => ({ question: { ...emptyQuestion, call: { ...emptyQuestion.call, ...(model && { modelId: model }), ...(region && { region }) } }, n: 0 }));
  const [written, setWritten] = useState<Written>();
  return (
    <Page title={t("title")}>
      <Scroll>
        <div className="grid w-full max-w-[76rem] grid-cols-[minmax(0,1fr)] gap-4 px-6 pt-2 pb-16 max-md:px-4">
          <p className="max-w-[49.5rem] text-14 leading-[1.6] text-muted">
            {t("intro")} <TextLink to="/admin/residency">{t("openPlaces")}</TextLink>
          </p>
          <Tabs
            label={t("title")}
            value={tab}
            onChange={open}
            tabs={[
              { value: "simulate", label: t("simulateTab"), content: <SimulateTab key={asked.n} question={asked.question} answer={asked.answer} onAnswer={(question, answer) => setAsked({ question, answer, n: asked.n })} /> },
              {
                value: "generate",
                label: t("generateTab"),
                content: (
                  <GenerateTab
                    written={written}
                    onWritten={setWritten}
                    onTry={(question) => {
                      setAsked({ question, n: asked.n + 1 });
                      open("simulate");
                    }}
                  />
                ),
              },
            ]}
          />
        </div>
      </Scroll>
    </Page>
  );
}
