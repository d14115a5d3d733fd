import { useQuery, useQueryClient } from "@tanstack/react-query";
import { Upload } from "lucide-react";
import { useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { refreshHistory } from "@/features/history/acts";
import { importConversations, type ImportCounts, type ImportReport } from "@/features/history/api";
import { refreshPrompts } from "@/features/library/api";
import { isAbort, toApiError, type ApiError } from "@/lib/api/error";
import { useFormats } from "@/lib/format";
import { Button, ButtonLink } from "@/ui/button";
import { Disclosure } from "@/ui/disclosure";
import { ErrorNotice } from "@/ui/error-notice";
import { Notice } from "@/ui/notice";
import { Section } from "@/ui/page";
import { limitsQuery } from "./api";

/** What an import takes, in words: the conversations, and where there are none, that it takes other things. */
function useHeadline() {
  const { t } = useTranslation("account");
  const format = useFormats();
  return ({ dryRun, source, conversations, attachments, prompts, folders }: ImportReport, name: string) => {
    const count = conversations.taken;
    const values = { name, source: t(`importSource.${source}`), count, formatted: format.number(count) };
    const beside = attachments.taken + prompts.taken + folders.taken;
    if (count === 0 && beside > 0) return { takes: true, title: t(dryRun ? "importWouldBeside" : "importDoneBeside", values) };
    return { takes: count > 0, title: t(!dryRun ? "importDone" : count > 0 ? "importWould" : "importNothing", values) };
  };
}

/** Refusals of the file as it is: damaged, cut off, or no export of conversations. */
const unreadable: ReadonlySet<string> = new Set(["invalid_input", "unsupported_type"]);

/** Brings in what people have elsewhere: first what would be taken, then the taking. */
export function ImportSection() {
  const { t, i18n } = useTranslation("account");
  const client = useQueryClient();
  const format = useFormats();
  const unkept = useQuery(limitsQuery).data?.temporary === "enforced";
  const input = useRef<HTMLInputElement>(null);
  const [file, setFile] = useState<File>();
  const [pending, setPending] = useState(false);
  const [failure, setFailure] = useState<ApiError | null>(null);
  const [report, setReport] = useState<ImportReport>();
  const [problemsOpen, setProblemsOpen] = useState(false);
  const headline = useHeadline();
  const said = report && file && headline(report, file.name);

  const run = async (chosen: File, dryRun: boolean) => {
    setPending(true);
    setFailure(null);
    try {
      setReport(await importConversations(chosen, dryRun));
      if (!dryRun) await Promise.all([refreshHistory(client), refreshPrompts(client)]);
    } catch (error) {
      if (isAbort(error)) return;
      const refused = toApiError(error);
      setFailure(refused);
      if (refused.code === "temporary_policy") {
        setReport(undefined); // what it says would be taken is not
        await client.invalidateQueries({ queryKey: limitsQuery.queryKey });
      }
    } finally {
      setPending(false);
    }
  };
  const choose = (chosen: File | undefined) => {
    if (!chosen) return;
    setFile(chosen);
    setReport(undefined);
    void run(chosen, true);
  };
  const reason = (code: string) => (i18n.exists(`importReason.${code}`, { ns: "account" }) ? t(`importReason.${code}` as "importReason.here") : t("importReason.other", { code }));
  const line = (name: string, counts: ImportCounts) => {
    const skipped = Object.entries(counts.skipped).filter(([, n]) => n > 0);
    return (
      <div className="col-span-full grid grid-cols-subgrid border-b border-rule py-2">
        <dt>{name}</dt>
        <dd className="text-right tabular-nums">{format.number(counts.taken)}</dd>
        <dd className="min-w-0 text-muted">
          {skipped.length === 0
            ? t("importNoneSkipped")
            : skipped.map(([code, n]) => (
                <span key={code} className="block">
                  {t("importSkipped", { reason: reason(code), formatted: format.number(n) })}
                </span>
              ))}
        </dd>
      </div>
    );
  };

  if (unkept) {
    return (
      <Section id="import" title={t("importTitle")} hint={t("importHint")}>
        <Notice title={t("importUnkept")}>{t("importUnkeptHint")}</Notice>
      </Section>
    );
  }
  return (
    <Section id="import" title={t("importTitle")} hint={t("importHint")}>
      <div className="grid justify-items-start gap-4">
        <input
          ref={input}
          type="file"
          accept=".zip,.json,application/zip,application/json"
          hidden
          aria-label={t("importChoose")}
          onChange={(event) => {
            choose(event.target.files?.[0]);
            event.target.value = "";
          }}
        />
        <Button icon={Upload} isPending={pending} pendingLabel={t("importReading")} onPress={() => input.current?.click()}>
          {t("importChoose")}
        </Button>
        {failure &&
          (file && unreadable.has(failure.code) ? (
            <Notice tone="danger" live title={t("importUnreadable", { name: file.name })} className="w-full">
              {t("importUnreadableHint")}
            </Notice>
          ) : (
            <ErrorNotice error={failure} className="w-full" />
          ))}
        {report && file && said && (
          <div role="status" className="grid w-full gap-4">
            <Notice
              tone={report.dryRun ? "info" : "success"}
              title={said.title}
              actions={
                report.dryRun ? (
                  said.takes && (
                    <Button tone="primary" size="dense" isPending={pending} pendingLabel={t("importing")} onPress={() => void run(file, false)}>
                      {t("importAct")}
                    </Button>
                  )
                ) : (
                  <ButtonLink to="/history" search={{}} size="dense">
                    {t("importShow")}
                  </ButtonLink>
                )
              }
            >
              {t(report.dryRun ? "importDryHint" : "importDoneHint")}
            </Notice>
            <dl className="grid grid-cols-[auto_auto_1fr] gap-x-6 border-t border-rule text-14">
              <div className="col-span-full grid grid-cols-subgrid border-b border-strong py-2 text-muted">
                <dt>{t("importKind")}</dt>
                <dd className="text-right">{t("importTaken")}</dd>
                <dd>{t("importLeft")}</dd>
              </div>
              {line(t("importConversations"), report.conversations)}
              {line(t("importMessages"), report.messages)}
              {line(t("importAttachments"), report.attachments)}
              {report.prompts.seen > 0 && line(t("importPrompts"), report.prompts)}
              {report.folders.seen > 0 && line(t("importFolders"), report.folders)}
            </dl>
            {report.problems.length > 0 && (
              <Disclosure isOpen={problemsOpen} onToggle={setProblemsOpen} title={t("importProblems", { count: report.problems.length, formatted: format.number(report.problems.length) })}>
                <ul className="text-14">
                  {report.problems.map((problem) => (
                    <li key={problem.number} className="py-1">
                      {t("importProblem", { number: format.number(problem.number), title: problem.title, reason: reason(problem.reason) })}
                    </li>
                  ))}
                </ul>
              </Disclosure>
            )}
          </div>
        )}
      </div>
    </Section>
  );
}
