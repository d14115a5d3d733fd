import { Check, CircleAlert, Info, TriangleAlert } from "lucide-react";
import { useEffect, useRef } from "react";
import { useTranslation } from "react-i18next";
import type { CheckStep, Decision } from "@/lib/api/types";
import { cx } from "@/lib/cx";
import { useErrorTextOf } from "@/lib/error-text";
import { useFormats } from "@/lib/format";
import { TextLink } from "@/ui/button";
import { Icon } from "@/ui/icon";
import { useFindingWords } from "../doctor/words";
import { useVerdict, useVerdictText } from "../residency/verdict";

const known = ["configuration", "resolve", "connect", "tls", "clock", "credentials", "list_models", "answer", "stream", "headroom"] as const;
type Known = (typeof known)[number];

function isKnown(name: string): name is Known {
  return (known as readonly string[]).includes(name);
}

/** Of the way to a server, what to do is for whoever enters its address; the words of failures are for everybody. */
function isWay(name: string): name is "resolve" | "connect" | "tls" {
  return name === "resolve" || name === "connect" || name === "tls";
}

/** The steps of a connection's self-test: what passed, which failed, and how to mend it. */
export function CheckSteps({ steps, residency }: { steps: CheckStep[]; residency: Decision | undefined }) {
  const { t } = useTranslation("admin");
  const { t: doctor } = useTranslation("doctor");
  const format = useFormats();
  const words = useErrorTextOf();
  const findingWords = useFindingWords();
  const passed = steps.every((s) => s.ok);
  const warned = steps.some((s) => s.ok && s.finding);
  // In a long form the result comes below what is seen of it.
  const place = useRef<HTMLDivElement>(null);
  useEffect(() => {
    place.current?.scrollIntoView({ block: "nearest" });
  }, [steps]);
  return (
    <div ref={place} role="status" className={cx("rounded-8 border", passed ? "border-rule" : "border-danger")}>
      <p className="border-b border-rule px-4 py-2 text-14 font-bold">{!passed ? t("connections.checkFailed") : warned ? t("connections.checkWarned") : t("connections.checkPassed")}</p>
      <ol>
        {steps.map((step) => {
          const role = /^role_(\d+)$/.exec(step.name)?.[1]; // of a chain
          const name = role ? t("connections.step.role", { n: role }) : isKnown(step.name) ? t(`connections.step.${step.name}`) : step.name;
          const found = step.finding ? findingWords(step.finding, step.params ?? {}) : null;
          const warning = step.ok && found;
          const failure = step.code ? words({ code: step.code, params: step.params ?? {}, detail: step.detail ?? "" }) : null;
          // What is known of the failure goes before what its step suggests.
          const general = step.code ? words({ code: step.code, params: {}, detail: "" }).what : "";
          return (
            <li key={step.name} className={cx("flex gap-3 px-4 py-2 text-14", !step.ok ? "bg-danger-soft" : warning && "bg-warning-soft")}>
              <Icon of={!step.ok ? CircleAlert : warning ? TriangleAlert : Check} className={cx("flex-none", !step.ok ? "text-danger" : warning ? "text-warning" : "text-success")} />
              <div className="min-w-0 flex-1">
                <p className="flex flex-wrap justify-between gap-x-3">
                  <span className={cx((!step.ok || warning) && "font-bold")}>
                    {name}
                    <span className="sr-only">{!step.ok ? t("connections.stepFailed") : warning ? t("connections.stepWarned") : t("connections.stepOk")}</span>
                  </span>
                  <span className="text-muted tabular-nums">{t("connections.milliseconds", { formatted: format.number(step.elapsedMs) })}</span>
                </p>
                {found && (
                  <div className="mt-1 grid gap-0.5">
                    <p className="font-bold">{found.what || step.detail}</p>
                    {found.cause && <p>{found.cause}</p>}
                    {found.remedy && (
                      <p>
                        <b>{doctor("fixLabel")} </b>
                        {found.remedy}
                      </p>
                    )}
                  </div>
                )}
                {!step.ok && !found && (
                  <>
                    <p className="mt-1 font-bold">{failure?.what}</p>
                    <p>{isWay(step.name) ? t(`connections.fix.${step.name}`) : role && failure?.what === general ? t("connections.fix.role") : isKnown(step.name) && failure?.what === general ? t(`connections.fix.${step.name}`) : failure?.todo}</p>
                  </>
                )}
                {/* What a step that passed has found is for the log. */}
                {!step.ok && step.detail && <p lang="en" className="mt-1 font-mono text-14 text-muted [overflow-wrap:anywhere]">{step.detail}</p>}
              </div>
            </li>
          );
        })}
      </ol>
      {residency && <Permitted decision={residency} />}
    </div>
  );
}

/** Whether what was reached may be used: a server that answers may still be in the wrong place. */
function Permitted({ decision }: { decision: Decision }) {
  const { t } = useTranslation("admin");
  const verdictText = useVerdictText();
  const verdict = useVerdict()(decision);
  return (
    <div className={cx("flex gap-3 border-t border-rule px-4 py-2 text-14", verdict === "barred" && "bg-danger-soft")}>
      <Icon of={verdict === "barred" ? CircleAlert : verdict === "partly" ? Info : Check} className={verdict === "barred" ? "text-danger" : verdict === "partly" ? "text-muted" : "text-success"} />
      <div className="min-w-0 flex-1">
        <p className={cx(verdict === "barred" && "font-bold")}>{t(verdict === "allowed" ? "connections.placeAllowed" : verdict === "partly" ? "connections.placePartly" : "connections.placeBarred")}</p>
        {verdict !== "allowed" && <p className="mt-1">{verdictText(decision)}</p>}
        {decision.reason === "country_unknown" && <p>{t("connections.placeFixCountry")}</p>}
        {verdict !== "allowed" && <TextLink to="/admin/residency">{t("connections.placeOpen")}</TextLink>}
      </div>
    </div>
  );
}
