import { useQueryClient } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import type { Connection } from "@/lib/api/types";
import { Button } from "@/ui/button";
import { Checkbox } from "@/ui/choice";
import { Dialog } from "@/ui/dialog";
import { ErrorNotice } from "@/ui/error-notice";
import { toast } from "@/ui/toast";
import { changeConnection, checkConnection, refreshConnections } from "./api";
import { CheckSteps } from "./check-steps";
import { ConnectionFields } from "./connection-fields";
import { draftOf, formOf } from "./draft";
import { useCheck } from "./use-check";
import { useConnectionForm } from "./use-connection-form";

/** Changes a connection. The change holds from the next call of a model. */
export function ConnectionDialog({ connection, onClose }: { connection: Connection; onClose: () => void }) {
  const { t } = useTranslation("admin");
  const { t: common } = useTranslation("common");
  const { t: ui } = useTranslation("ui");
  const client = useQueryClient();
  const check = useCheck();
  const form = useConnectionForm(formOf(connection), connection, async (v) => {
    const { name, enabled, settings, secret } = draftOf(v, connection);
    await changeConnection(connection.id, { name, enabled, settings, secret });
    await refreshConnections(client);
    toast({ text: t("connections.changed", { name: v.name.trim() }) });
    onClose();
  });
  return (
    <Dialog
      title={t("connections.editTitle", { name: connection.name })}
      isOpen
      onClose={onClose}
      footer={
        <>
          <Button isPending={check.pending} pendingLabel={t("connections.checking")} className="mr-auto" onPress={() => void check.run(() => checkConnection(connection.id, draftOf(form.values, connection)))}>
            {t("connections.check")}
          </Button>
          <Button onPress={onClose}>{ui("cancel")}</Button>
          <Button tone="primary" isPending={form.pending} pendingLabel={common("saving")} onPress={() => void form.submit()}>
            {common("save")}
          </Button>
        </>
      }
    >
      <form {...form.form} className="grid gap-4">
        {form.failure && <ErrorNotice error={form.failure} />}
        <ConnectionFields form={form} stored={connection.secretNames} />
        <Checkbox isSelected={form.values.enabled} onChange={(on) => form.set("enabled", on)} hint={t("connections.enabledHint")}>
          {t("connections.enabled")}
        </Checkbox>
        {check.failure && <ErrorNotice error={check.failure} />}
        {check.steps && <CheckSteps steps={check.steps} residency={check.residency} />}
        <button type="submit" hidden aria-hidden="true" tabIndex={-1} />
      </form>
    </Dialog>
  );
}
