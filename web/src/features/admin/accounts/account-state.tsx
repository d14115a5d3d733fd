import { useTranslation } from "react-i18next";
import type { Account } from "@/lib/api/types";
import { State } from "@/ui/state";

/** Whether an account is in use. */
export function AccountState({ account }: { account: Account }) {
  const { t } = useTranslation("admin");
  if (account.disabled) return <State tone="stop">{t("accounts.disabled")}</State>;
  if (account.mustChangePassword) return <State tone="wait">{t("accounts.temporary")}</State>;
  return <State tone="on">{t("accounts.active")}</State>;
}
