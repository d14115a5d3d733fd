import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { useTranslation } from "react-i18next";
import { meQuery, signOut } from "@/features/account/api";
import { Door } from "@/features/account/door";
import { useArrive } from "@/features/account/arrive";
import { Button } from "@/ui/button";
import { useAct } from "@/ui/use-act";
import { SecondStepForm } from "./second-step";

/** Where somebody comes who has shown the first factor and has a second. */
export function SecondStepPage({ from }: { from?: string | undefined }) {
  const { t } = useTranslation("security");
  const client = useQueryClient();
  const navigate = useNavigate();
  const act = useAct();
  const arrive = useArrive(from);
  const me = useQuery(meQuery);
  return (
    <Door title={t("secondTitle")}>
      <p className="mb-6 leading-prose break-words">{t("secondLead", { email: me.data?.account.email ?? "" })}</p>
      <SecondStepForm onDone={arrive} />
      <Button
        tone="quiet"
        size="dense"
        className="mt-6 -ml-3"
        onPress={() =>
          void act(async () => {
            await signOut();
            client.clear();
            await navigate({ to: "/sign-in", search: from ? { from } : {}, replace: true });
          })
        }
      >
        {t("leave")}
      </Button>
    </Door>
  );
}
