import { type QueryKey, type UseQueryResult, useQueryClient } from "@tanstack/react-query";
import { type ReactNode, useState } from "react";
import { useTranslation } from "react-i18next";
import { useMay } from "@/features/account/api";
import { usePermissionName } from "@/features/account/permission";
import { ApiError } from "@/lib/api/error";
import { useFormats } from "@/lib/format";
import { useForm } from "@/lib/use-form";
import { Button } from "@/ui/button";
import { ErrorNotice } from "@/ui/error-notice";
import { Notice } from "@/ui/notice";
import { Page, Scroll } from "@/ui/page";
import { Bar, Skeleton } from "@/ui/skeleton";
import { toast } from "@/ui/toast";

interface PageProps<T> {
  title: string;
  query: UseQueryResult<T>;
  /** The page once what holds is known. */
  children: (now: T) => ReactNode;
}

/** A page of administration that is one column of settings. */
export function SettingsPage<T>({ title, query, children }: PageProps<T>) {
  return (
    <Page title={title}>
      <Scroll>
        <div className="grid w-full max-w-[49.5rem] grid-cols-[minmax(0,1fr)] px-6 pt-2 pb-16 max-md:px-4">
          {query.isPending ? (
            <Skeleton>
              <div className="grid gap-4">
                <Bar className="w-1/3" />
                <Bar className="h-20 w-full" />
                <Bar className="h-20 w-full" />
                <Bar className="h-20 w-full" />
              </div>
            </Skeleton>
          ) : query.data ? (
            children(query.data)
          ) : (
            <ErrorNotice error={query.error} onRetry={() => void query.refetch()} />
          )}
        </div>
      </Scroll>
    </Page>
  );
}

/** What several administrators may decide at once, with who did last. */
interface Decided {
  /** 0: nobody has yet. */
  version: number;
  changedByName?: string;
  changedAt?: string;
}

interface Options<T, V> {
  /** What holds, as far as is known. */
  now: T;
  queryKey: QueryKey;
  valuesOf: (decided: T) => V;
  same: (one: V, other: V) => boolean;
  /** Decides; base is what the form was filled from. */
  write: (values: V, base: T) => Promise<T>;
  /** Reads again what else follows from it. */
  onWritten?: () => void;
}

/** The form of such a decision. What somebody else has decided since it was filled is shown, never taken over unasked. */
export function useSettings<T extends Decided, V extends object>({ now, queryKey, valuesOf, same, write, onWritten }: Options<T, V>) {
  const { t: common } = useTranslation("common");
  const client = useQueryClient();
  const [base, setBase] = useState(now);
  /** Fills the form from what was decided, with values of its own where some are to be kept. */
  const take = (decided: T, values = valuesOf(decided)) => {
    setBase(decided);
    form.reset(values);
  };
  const form = useForm<V>({
    initial: valuesOf(now),
    submit: async (values) => {
      try {
        const kept = await write(values, base);
        client.setQueryData(queryKey, kept);
        take(kept);
        onWritten?.();
        toast({ text: common("saved") });
      } catch (error) {
        if (!(error instanceof ApiError) || error.code !== "conflict") throw error;
        await client.refetchQueries({ queryKey, exact: true }, { throwOnError: true }); // what they decided is shown beside ours
      }
    },
  });
  const changed = !same(valuesOf(base), form.values);
  const overtaken = now.version > base.version;
  if (overtaken && !changed) take(now);
  return { now, base, form, changed, overtaken: overtaken && changed, take };
}

interface SaveProps<T, V extends object> {
  settings: ReturnType<typeof useSettings<T & Decided, V>>;
  /** What saving will change. */
  effects?: ReactNode;
  /** What the other has decided, beside ours. */
  apart: ReactNode;
  /** Ours, put together with what the other has decided. */
  together: V;
  /** Why what was changed cannot be saved. */
  refused?: string | false;
}

/** The end of the form: what saving does, whose decision holds where two collide, and who decided last. */
export function SaveSettings<T, V extends object>({ settings: { now, base, form, changed, overtaken, take }, effects, apart, together, refused }: SaveProps<T, V>) {
  const { t } = useTranslation("admin");
  const { t: common } = useTranslation("common");
  const format = useFormats();
  const mayWrite = useMay("system.write");
  const permissionName = usePermissionName();
  const { t: people } = useTranslation("people");
  const last = { name: now.changedByName || t("settings.somebody"), time: format.within(now.changedAt ?? new Date()) };
  if (!mayWrite) return <Notice>{people("readOnly", { permission: permissionName("system.write") })}</Notice>;
  return (
    <section aria-label={t("settings.save")} className="grid gap-4 border-t border-rule py-6">
      {overtaken ? (
        <Notice
          live
          tone="warning"
          title={t("settings.overtaken", last)}
          actions={
            <>
              <Button size="dense" onPress={() => take(now)}>
                {t("settings.takeTheirs")}
              </Button>
              <Button size="dense" onPress={() => take(now, together)}>
                {t("settings.keepMine")}
              </Button>
            </>
          }
        >
          {apart}
        </Notice>
      ) : (
        changed && effects
      )}
      {form.failure && <ErrorNotice error={form.failure} />}
      <div className="flex flex-wrap items-center gap-x-4 gap-y-2">
        <Button
          type="submit"
          tone="primary"
          isPending={form.pending}
          pendingLabel={common("saving")}
          disabledReason={overtaken ? t("settings.chooseFirst") : refused || (!changed && t("settings.unchanged"))}
        >
          {common("save")}
        </Button>
        {changed && !overtaken && (
          <Button tone="quiet" onPress={() => take(base)}>
            {t("settings.discard")}
          </Button>
        )}
        <p className="text-14 text-muted">{now.version === 0 ? t("settings.neverChanged") : t("settings.lastChanged", last)}</p>
      </div>
    </section>
  );
}
