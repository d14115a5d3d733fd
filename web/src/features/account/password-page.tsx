import { useQueryClient } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { meQuery } from "./api";
import { useArrive } from "./arrive";
import { Door } from "./door";
import { PasswordForm } from "./password-form";

/** Where a person with a temporary password comes first. */
export function PasswordPage({ from }: { from?: string | undefined }) {
  const { t } = useTranslation("account");
  const client = useQueryClient();
  const arrive = useArrive(from);
  return (
    <Door title={t("changePasswordTitle")}>
      <p className="mb-6 leading-prose">{t("changePasswordLead")}</p>
      <PasswordForm
        temporary
        onDone={async () => {
          await client.invalidateQueries({ queryKey: meQuery.queryKey, exact: true, refetchType: "none" });
          const me = await client.fetchQuery({ ...meQuery, staleTime: 0 });
          if (me) arrive(me);
        }}
      />
    </Door>
  );
}
