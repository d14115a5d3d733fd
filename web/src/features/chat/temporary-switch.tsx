import { useNavigate } from "@tanstack/react-router";
import { useEffect } from "react";
import { useTranslation } from "react-i18next";
import { Switch } from "@/ui/choice";
import { draftsOf, newConversation, temporaryConversation } from "./drafts";
import { intoPage } from "./file-keeper";

/** Takes what is drafted for a new conversation out of every store, into this page. */
async function unkeepDraft(accountId: string): Promise<void> {
  const drafts = draftsOf(accountId);
  const { text, attachments } = drafts.get(newConversation);
  drafts.clear(newConversation);
  drafts.flush();
  const held = await Promise.allSettled(attachments.map(intoPage));
  drafts.giveBack(temporaryConversation, { text, attachments: held.flatMap((one) => (one.status === "fulfilled" ? [one.value] : [])) });
}

/** Whether the conversation to come is kept. What was written goes along. */
export function TemporarySwitch({ accountId, isOn }: { accountId: string; isOn: boolean }) {
  const { t } = useTranslation("chat");
  const navigate = useNavigate();
  const turn = async (on: boolean) => {
    if (on) {
      await unkeepDraft(accountId);
      return navigate({ to: "/temporary" });
    }
    const drafts = draftsOf(accountId);
    const { text, attachments } = drafts.get(temporaryConversation);
    if (attachments.length === 0) {
      // Words may be kept again; files would have to be sent first, so leaving them is asked about.
      drafts.giveBack(newConversation, { text, attachments: [] });
      drafts.clear(temporaryConversation);
    }
    return navigate({ to: "/" });
  };
  return (
    <span className="px-2 text-14 max-md:px-1">
      <Switch isSelected={isOn} onChange={(on) => void turn(on)}>
        {t("temporary.title")}
      </Switch>
    </span>
  );
}

/** Where nothing is kept, a new conversation is a temporary one. */
export function ToTemporary({ accountId, systemPrompt }: { accountId: string; systemPrompt: string | undefined }) {
  const navigate = useNavigate();
  useEffect(() => {
    void unkeepDraft(accountId).then(() => navigate({ to: "/temporary", replace: true, state: systemPrompt === undefined ? {} : { systemPrompt } }));
  }, [accountId, navigate, systemPrompt]);
  return null;
}
