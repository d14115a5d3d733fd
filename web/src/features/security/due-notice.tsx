import { useQuery } from "@tanstack/react-query";
import { useRouterState } from "@tanstack/react-router";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { meQuery } from "@/features/account/api";
import { useFormats } from "@/lib/format";
import { Button, ButtonLink } from "@/ui/button";

/** Whose page has put it off: until it is loaded again, or somebody else signs in. */
let putOff = "";

/** Says until when a second factor is to be set up, while there is still time. */
export function DueNotice() {
  const { t } = useTranslation("security");
  const format = useFormats();
  const { data: me } = useQuery(meQuery);
  const [, again] = useState(0);
  const there = useRouterState({ select: (state) => state.location.pathname === "/settings/security" }); // which says it itself
  if (there || !me?.secondFactor.dueBy || me.pending.length > 0 || putOff === me.account.id) return null;
  return (
    <aside aria-label={t("due")} className="flex flex-none flex-wrap items-center gap-x-4 gap-y-1 border-b border-rule bg-warning-soft px-6 py-2 text-14 max-md:px-4">
      <p className="min-w-0 flex-1 basis-64">
        <span className="font-bold">{t("dueTitle", { due: format.within(me.secondFactor.dueBy) })}</span> <span className="max-md:hidden">{t("dueBody")}</span>
      </p>
      <div className="flex gap-2">
        <ButtonLink to="/settings/security" size="dense">
          {t("dueAct")}
        </ButtonLink>
        <Button
          tone="quiet"
          size="dense"
          onPress={() => {
            putOff = me.account.id;
            again((n) => n + 1);
          }}
        >
          {t("later")}
        </Button>
      </div>
    </aside>
  );
}
