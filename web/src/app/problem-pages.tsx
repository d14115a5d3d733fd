import type { ErrorComponentProps } from "@tanstack/react-router";
import { Compass, Lock } from "lucide-react";
import { useTranslation } from "react-i18next";
import { usePermissionName } from "@/features/account/permission";
import { ApiError } from "@/lib/api/error";
import type { Permission } from "@/lib/api/types";
import { Button, ButtonLink } from "@/ui/button";
import { Empty } from "@/ui/empty";
import { ErrorNotice } from "@/ui/error-notice";
import { Notice } from "@/ui/notice";
import { Page, useTitle } from "@/ui/page";

/** An address that leads nowhere. */
export function NotFound() {
  const { t } = useTranslation("frame");
  useTitle(t("notFound"));
  return (
    <main className="grid min-h-dvh place-items-center">
      <Empty icon={Compass} heading={t("notFound")} actions={<ButtonLink to="/">{t("toStart")}</ButtonLink>}>
        {t("notFoundHint")}
      </Empty>
    </main>
  );
}

/** A page that is not for this person, and who can change that. */
export function Forbidden() {
  const { t } = useTranslation("frame");
  useTitle(t("forbidden"));
  return (
    <main className="grid min-h-dvh place-items-center">
      <Empty icon={Lock} heading={t("forbidden")} actions={<ButtonLink to="/">{t("backToKakoi")}</ButtonLink>}>
        {t("forbiddenHint")}
      </Empty>
    </main>
  );
}

/** A place of administration that is not for this person, within its frame. */
export function PlaceNotOpen({ permission }: { permission: Permission }) {
  const { t } = useTranslation("people");
  const name = usePermissionName();
  return (
    <Page title={t("notOpen")}>
      <Empty icon={Lock}>{t("notOpenHint", { permission: name(permission) })}</Empty>
    </Page>
  );
}

/** A page that failed: by the server, or by a fault of ours. */
export function Crashed({ error, reset }: ErrorComponentProps) {
  const { t } = useTranslation("frame");
  return (
    <div className="mx-auto w-full max-w-column p-6">
      <h1 className="sr-only">{t("crashed")}</h1>
      {error instanceof ApiError ? (
        <ErrorNotice error={error} onRetry={() => window.location.reload()} />
      ) : (
        <Notice
          tone="danger"
          live
          title={t("crashed")}
          actions={
            <>
              <Button size="dense" onPress={reset}>
                {t("reload")}
              </Button>
              <ButtonLink to="/" size="dense" tone="quiet">
                {t("toStart")}
              </ButtonLink>
            </>
          }
        >
          {t("crashedHint")}
        </Notice>
      )}
    </div>
  );
}
