import { useQuery, useQueryClient } from "@tanstack/react-query";
import { Cloud, FlaskConical, Server, type LucideIcon } from "lucide-react";
import { useState } from "react";
import { Button as AriaButton } from "react-aria-components";
import { useTranslation } from "react-i18next";
import type { Connection, DetectedServer } from "@/lib/api/types";
import { useFormats } from "@/lib/format";
import { Button } from "@/ui/button";
import { Dialog } from "@/ui/dialog";
import { ErrorNotice } from "@/ui/error-notice";
import { Icon } from "@/ui/icon";
import { Bar, Skeleton } from "@/ui/skeleton";
import { addConnection, checkDraft, detectedQuery, refreshConnections } from "./api";
import { CheckSteps } from "./check-steps";
import { ConnectionFields } from "./connection-fields";
import { blank, draftOf, type DraftForm } from "./draft";
import { useCheck } from "./use-check";
import { useConnectionForm } from "./use-connection-form";

interface Props {
  onClose: () => void;
  /** Made: next its models are chosen. */
  onAdded: (connection: Connection) => void;
}

/** Connects to where models run: first which kind, then the details, tried before they are kept. */
export function ConnectionWizard({ onClose, onAdded }: Props) {
  const [draft, setDraft] = useState<DraftForm | null>(null);
  return draft ? <DetailsStep initial={draft} onBack={() => setDraft(null)} onClose={onClose} onAdded={onAdded} /> : <KindStep onChoose={setDraft} onClose={onClose} />;
}

function KindStep({ onChoose, onClose }: { onChoose: (draft: DraftForm) => void; onClose: () => void }) {
  const { t } = useTranslation("admin");
  const format = useFormats();
  const detected = useQuery(detectedQuery);
  const servers = detected.data?.items ?? [];
  const nameOf = (s: DetectedServer) => t("connections.localName", { product: s.product });
  return (
    <Dialog title={t("connections.addTitle")} isOpen onClose={onClose}>
      <div className="grid gap-6">
        {(detected.isPending || servers.length > 0) && (
          <section aria-labelledby="detected">
            <h3 id="detected" className="mb-2 text-16">
              {t("connections.detected")}
            </h3>
            {detected.isPending ? (
              <Skeleton label={t("connections.detecting")}>
                <Bar className="h-16 w-full" />
              </Skeleton>
            ) : (
              <div className="grid gap-2">
                {servers.map((s) => (
                  <Choice
                    key={s.baseUrl}
                    icon={Server}
                    title={s.product}
                    hint={format.facts(s.baseUrl, format.list(s.models.map((m) => m.name || m.id)))}
                    onPress={() => onChoose(blank("openai", nameOf(s), s.baseUrl))}
                  />
                ))}
              </div>
            )}
          </section>
        )}
        <section aria-labelledby="kinds">
          <h3 id="kinds" className="mb-2 text-16">
            {servers.length > 0 ? t("connections.others") : t("connections.kinds")}
          </h3>
          <div className="grid gap-2">
            <Choice icon={Server} title={t("connections.openai")} hint={t("connections.openaiHint")} onPress={() => onChoose(blank("openai"))} />
            <Choice icon={Cloud} title={t("connections.bedrock")} hint={t("connections.bedrockHint")} onPress={() => onChoose(blank("bedrock", t("connections.bedrock")))} />
            <Choice icon={FlaskConical} title={t("connections.demo")} hint={t("connections.demoHint")} onPress={() => onChoose(blank("demo", t("connections.demo")))} />
          </div>
        </section>
      </div>
    </Dialog>
  );
}

function Choice({ icon, title, hint, onPress }: { icon: LucideIcon; title: string; hint: string; onPress: () => void }) {
  return (
    <AriaButton onPress={onPress} className="flex w-full items-start gap-3 rounded-8 border border-strong px-4 py-3 text-left hover:bg-surface-hover">
      <Icon of={icon} className="mt-0.5 text-muted" />
      <span className="min-w-0">
        <span className="block font-bold">{title}</span>
        <span className="block text-14 text-muted">{hint}</span>
      </span>
    </AriaButton>
  );
}

interface DetailsProps extends Props {
  initial: DraftForm;
  onBack: () => void;
}

function DetailsStep({ initial, onBack, onClose, onAdded }: DetailsProps) {
  const { t } = useTranslation("admin");
  const { t: common } = useTranslation("common");
  const client = useQueryClient();
  const check = useCheck();
  const form = useConnectionForm(initial, undefined, async (v) => {
    const made = await addConnection(draftOf(v));
    await refreshConnections(client);
    onAdded(made);
  });
  return (
    <Dialog
      title={t(`connections.addKind.${initial.kind}`)}
      isOpen
      onClose={onClose}
      footer={
        <>
          <Button tone="quiet" onPress={onBack} className="mr-auto">
            {common("back")}
          </Button>
          <Button isPending={check.pending} pendingLabel={t("connections.checking")} onPress={() => void check.run(() => checkDraft(draftOf(form.values)))}>
            {t("connections.check")}
          </Button>
          <Button tone="primary" isPending={form.pending} pendingLabel={common("adding")} onPress={() => void form.submit()}>
            {t("connections.addAct")}
          </Button>
        </>
      }
    >
      <form {...form.form} className="grid gap-4">
        {form.failure && <ErrorNotice error={form.failure} />}
        <ConnectionFields form={form} stored={[]} />
        {check.failure && <ErrorNotice error={check.failure} />}
        {check.steps && <CheckSteps steps={check.steps} residency={check.residency} />}
        <button type="submit" hidden aria-hidden="true" tabIndex={-1} />
      </form>
    </Dialog>
  );
}
