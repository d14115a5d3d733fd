import { useQueryClient } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { ChevronsUpDown, Keyboard, LogOut, Settings, ShieldCheck } from "lucide-react";
import { Button as AriaButton } from "react-aria-components";
import { useTranslation } from "react-i18next";
import { signOut, useMe, useUpdatePreferences } from "@/features/account/api";
import type { Locale, Theme } from "@/lib/api/types";
import { toApiError } from "@/lib/api/error";
import { runCommand } from "@/lib/commands";
import { useErrorTextOf } from "@/lib/error-text";
import { Seal } from "@/ui/brand";
import { Menu, MenuItem, MenuRule, MenuSection } from "@/ui/menu";
import { toast } from "@/ui/toast";
import { firstPlace } from "./admin-places";

interface Props {
  /** Only the seal, for the rail. */
  compact?: boolean;
  /** Called before going to another page. */
  onNavigate?: () => void;
}

/** Who is signed in, and what belongs to them: settings, theme, language, the way out. */
export function AccountMenu({ compact, onNavigate }: Props) {
  const { t, i18n } = useTranslation("frame");
  const { account, preferences } = useMe();
  const navigate = useNavigate();
  const client = useQueryClient();
  const errorText = useErrorTextOf();
  const update = useUpdatePreferences();
  const change = (patch: Parameters<typeof update.mutate>[0]) =>
    update.mutate(patch, { onError: (err) => toast({ tone: "danger", text: errorText(toApiError(err)).said }) });

  const leave = async () => {
    try {
      await signOut();
    } catch (err) {
      toast({ tone: "danger", text: errorText(toApiError(err)).said });
      return;
    }
    onNavigate?.();
    await navigate({ to: "/sign-in", replace: true });
    client.clear();
  };

  return (
    <Menu
      label={t("account")}
      placement="top start"
      trigger={
        compact ? (
          <AriaButton aria-label={`${t("account")} ${account.name}`} className="grid size-11 place-items-center rounded-6 hover:bg-surface-hover">
            <Seal name={account.name} />
          </AriaButton>
        ) : (
          <AriaButton className="flex min-h-12 w-full items-center gap-3 rounded-6 px-2 text-left text-14 hover:bg-surface-hover">
            <Seal name={account.name} />
            <span className="min-w-0 flex-1 leading-[1.35]">
              <span className="block truncate">{account.name}</span>
              <span className="block truncate text-muted">{account.roles.some((role) => role.roleId === "administrator") ? t("roleAdministrator") : account.email}</span>
            </span>
            <ChevronsUpDown aria-hidden="true" size={20} strokeWidth={1.75} className="flex-none text-muted" />
          </AriaButton>
        )
      }
    >
      <MenuItem
        icon={Settings}
        onAction={() => {
          onNavigate?.();
          void navigate({ to: "/settings" });
        }}
      >
        {t("settings")}
      </MenuItem>
      <MenuItem icon={Keyboard} onAction={() => runCommand("help")}>
        {t("keyboard")}
      </MenuItem>
      {firstPlace(account) && (
        <MenuItem
          icon={ShieldCheck}
          onAction={() => {
            onNavigate?.();
            void navigate({ to: "/admin" });
          }}
        >
          {t("admin")}
        </MenuItem>
      )}
      <MenuRule />
      <MenuSection<Theme> title={t("theme")} value={preferences.theme} onChange={(theme) => change({ theme })}>
        <MenuItem id="system">{t("themeSystem")}</MenuItem>
        <MenuItem id="light">{t("themeLight")}</MenuItem>
        <MenuItem id="dark">{t("themeDark")}</MenuItem>
      </MenuSection>
      <MenuSection<Locale> title={t("language")} value={i18n.language === "en" ? "en" : "ja"} onChange={(locale) => change({ locale })}>
        <MenuItem id="ja">{t("japanese")}</MenuItem>
        <MenuItem id="en">{t("english")}</MenuItem>
      </MenuSection>
      <MenuRule />
      <MenuItem icon={LogOut} onAction={() => void leave()}>
        {t("signOut")}
      </MenuItem>
    </Menu>
  );
}
