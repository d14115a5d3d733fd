import { useQueryClient } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { useTranslation } from "react-i18next";
import { meQuery } from "./api";
import { Door } from "./door";
import { PasswordForm } from "./password-form";

/** Where a person with a temporary password comes first. */
export function PasswordPage() {
  const { t } = useTranslation("account");
  const navigate = useNavigate();
  const client = useQueryClient();
  return (
    <Door title={t("changePasswordTitle")}>
      <p className="mb-6 leading-prose">{t("changePasswordLead")}</p>
      <PasswordForm
        temporary
        onDone={async () => {
          await client.invalidateQueries({ queryKey: meQuery.queryKey, exact: true, refetchType: "none" });
          await client.fetchQuery({ ...meQuery, staleTime: 0 });
          await navigate({ to: "/", replace: true });
        }}
      />
    </Door>
  );
}
