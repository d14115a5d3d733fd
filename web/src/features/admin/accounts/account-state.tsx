import { useTranslation } from "react-i18next";
import type { Account } from "@/lib/api/types";
import { dayOf, useDayText } from "@/lib/day";
import { State } from "@/ui/state";
import { holds, isPast } from "./api";

/** Whether an account is in use. */
export function AccountState({ account }: { account: Account }) {
  const { t } = useTranslation("admin");
  const { t: people } = useTranslation("people");
  const dayText = useDayText();
  const valid = { from: account.validFrom, until: account.validUntil };
  if (account.disabled) return <State tone="stop">{t("accounts.disabled")}</State>;
  if (isPast(valid)) return <State tone="stop">{people("accounts.over")}</State>;
  if (!holds(valid) && account.validFrom) return <State tone="wait">{people("accounts.notYet", { day: dayText(dayOf(account.validFrom)) })}</State>;
  if (account.mustChangePassword) return <State tone="wait">{t("accounts.temporary")}</State>;
  return <State tone="on">{t("accounts.active")}</State>;
}
