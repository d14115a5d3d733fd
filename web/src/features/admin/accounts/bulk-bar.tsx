import { useQueryClient } from "@tanstack/react-query";
import { X } from "lucide-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { useMay, useMe } from "@/features/account/api";
import type { ApiError } from "@/lib/api/error";
import type { Group } from "@/lib/api/types";
import { useErrorTextOf } from "@/lib/error-text";
import { useFormats } from "@/lib/format";
import { Button, IconButton, TextButton } from "@/ui/button";
import { ConfirmDialog, Dialog } from "@/ui/dialog";
import { Select } from "@/ui/select";
import { toast } from "@/ui/toast";
import { refreshGroups } from "../groups/api";
import { changeAccounts, refreshAccounts, wish, type AccountFilter, type BulkAct, type BulkReport } from "./api";

interface Props {
  selected: ReadonlySet<string>;
  /** All that the filter selects are meant, not only those ticked. */
  all: boolean;
  matching: number;
  filter: AccountFilter;
  /** All rows shown are ticked, and there are more. */
  canSelectAll: boolean;
  onAll: () => void;
  /** Those whose members are chosen. */
  groups: Group[];
  onDone: () => void;
}

/** The acts on the accounts that are ticked, or on all that match. */
export function BulkBar({ selected, all, matching, filter, canSelectAll, onAll, groups, onDone }: Props) {
  const { t } = useTranslation("admin");
  const { t: people } = useTranslation("people");
  const format = useFormats();
  const client = useQueryClient();
  const me = useMe();
  const mayGroup = useMay("group.write");
  const [asked, setAsked] = useState<BulkAct>();
  const [groupId, setGroupId] = useState("");
  const [report, setReport] = useState<BulkReport>();
  const count = all ? matching : selected.size;
  const formatted = format.number(count);
  const grouping = asked === "addToGroup" || asked === "removeFromGroup";
  const ask = (act: BulkAct) => {
    setGroupId(groups[0]?.id ?? "");
    setAsked(act);
  };

  const run = async (act: BulkAct) => {
    try {
      const told = await changeAccounts({ act, ...(grouping && { groupId }), ...(all ? { filter: wish(filter) } : { accountIds: [...selected] }) });
      if (told.failed.length > 0) setReport(told);
      else {
        toast({ text: people(`accounts.done.${act}`, { count: told.done, formatted: format.number(told.done) }) });
        onDone();
      }
    } finally {
      await (grouping ? refreshGroups(client) : refreshAccounts(client));
    }
  };

  return (
    <div role="region" aria-label={t("accounts.bulk")} className="flex min-h-11 flex-none flex-wrap items-center gap-x-1 bg-surface-selected px-6 text-14 max-md:gap-x-0 max-md:pr-1 max-md:pl-4">
      <b className="mr-3 tabular-nums max-md:mr-1" role="status">
        {all ? people("accounts.allSelected", { count, formatted }) : t("accounts.selected", { count })}
      </b>
      {canSelectAll && !all && <TextButton onPress={onAll} className="mr-3">{people("accounts.selectAll", { count: matching, formatted: format.number(matching) })}</TextButton>}
      <Button tone="quiet" size="dense" onPress={() => ask("endSessions")}>
        {t("accounts.endSessions")}
      </Button>
      {mayGroup && groups.length > 0 && (
        <>
          <Button tone="quiet" size="dense" onPress={() => ask("addToGroup")}>
            {people("accounts.addToGroup")}
          </Button>
          <Button tone="quiet" size="dense" onPress={() => ask("removeFromGroup")}>
            {people("accounts.removeFromGroup")}
          </Button>
        </>
      )}
      <Button tone="quiet" size="dense" onPress={() => ask("enable")}>
        {people("accounts.enable")}
      </Button>
      <Button tone="danger-quiet" size="dense" disabledReason={!all && selected.size === 1 && selected.has(me.account.id) && t("accounts.notYourself")} onPress={() => ask("disable")}>
        {t("accounts.disable")}
      </Button>
      <IconButton icon={X} label={t("accounts.clearSelection")} size="dense" className="ml-auto" onPress={onDone} />
      {asked && (
        <ConfirmDialog
          title={people(`accounts.ask.${asked}`, { count, formatted })}
          confirmLabel={asked === "disable" ? t("accounts.disable") : asked === "endSessions" ? t("accounts.endSessions") : people(`accounts.${asked}`)}
          pendingLabel={people("accounts.working")}
          tone={asked === "disable" ? "danger" : "primary"}
          isOpen
          onClose={() => setAsked(undefined)}
          onConfirm={() => run(asked)}
        >
          {grouping && <Select label={people("accounts.chooseGroup")} value={groupId} onChange={setGroupId} options={groups.map((g) => ({ value: g.id, label: g.name }))} />}
          <p>{asked === "disable" ? t("accounts.disableBody") : people(`accounts.body.${asked}`)}</p>
        </ConfirmDialog>
      )}
      {report && <Failures report={report} onClose={() => { setReport(undefined); onDone(); }} />}
    </div>
  );
}

/** Which accounts stayed as they were, each with why. */
function Failures({ report, onClose }: { report: BulkReport; onClose: () => void }) {
  const { t } = useTranslation("people");
  const { t: ui } = useTranslation("ui");
  const format = useFormats();
  const words = useErrorTextOf();
  return (
    <Dialog title={t("accounts.failedTitle")} isOpen onClose={onClose} footer={<Button tone="primary" onPress={onClose}>{ui("close")}</Button>}>
      <p className="mb-3">{t("accounts.failedLead", { done: format.number(report.done), failed: format.number(report.failed.length) })}</p>
      <ul className="max-h-96 overflow-y-auto text-14">
        {report.failed.map((f) => (
          <li key={f.accountId} className="border-t border-rule py-2">
            <span className="block font-bold">{f.name || t("accounts.unseen")}</span>
            <span className="block text-muted">{f.email}</span>
            <span className="block">{words({ code: f.code as ApiError["code"], params: f.params ?? {}, detail: f.detail }).said}</span>
          </li>
        ))}
      </ul>
    </Dialog>
  );
}
