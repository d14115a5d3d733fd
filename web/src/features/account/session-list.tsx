import { useMutation } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { toApiError } from "@/lib/api/error";
import type { Session } from "@/lib/api/types";
import { useErrorTextOf } from "@/lib/error-text";
import { useFormats } from "@/lib/format";
import { deviceOf } from "@/lib/user-agent";
import { Button } from "@/ui/button";
import { State } from "@/ui/state";
import { toast } from "@/ui/toast";

interface Props {
  sessions: readonly Session[];
  /** Absent: it is not for whoever looks. */
  onEnd?: ((id: string) => Promise<unknown>) | undefined;
  /** One has ended: the list is to be read again. */
  onEnded: () => Promise<unknown>;
}

/** Where somebody is signed in: each device, and the way to sign it out. */
export function SessionList({ sessions, onEnd, onEnded }: Props) {
  return (
    <ul className="border-t border-rule">
      {sessions.map((session) => (
        <SessionRow key={session.id} session={session} onEnd={onEnd} onEnded={onEnded} />
      ))}
    </ul>
  );
}

function SessionRow({ session, onEnd, onEnded }: Omit<Props, "sessions"> & { session: Session }) {
  const { t } = useTranslation("account");
  const format = useFormats();
  const words = useErrorTextOf();
  const device = deviceOf(session.userAgent);
  const end = useMutation({
    mutationFn: async () => onEnd?.(session.id),
    onSuccess: async () => {
      toast({ text: t("sessionRevoked") });
      await onEnded();
    },
    onError: (err) => toast({ tone: "danger", text: words(toApiError(err)).said }),
  });
  const facts = [session.address, t("sessionSeen", { seen: format.within(session.lastSeenAt) }), t("sessionSince", { since: format.monthDay(session.createdAt) })];
  const name = device ? t("device", device) : t("deviceUnknown");
  return (
    <li className="flex min-h-16 flex-wrap items-center justify-between gap-x-4 gap-y-1 border-b border-rule py-2">
      <div className="min-w-0">
        <p title={session.userAgent}>{name}</p>
        <p className="text-14 text-muted tabular-nums">
          {facts.map((fact, i) => (
            <span key={i} className="mr-3 inline-block">
              {fact}
            </span>
          ))}
        </p>
      </div>
      {session.current ? (
        <span className="text-14">
          <State tone="on">{t("sessionCurrent")}</State>
        </span>
      ) : (
        onEnd && <Button size="dense" aria-label={`${t("sessionRevoke")} ${name}`} isPending={end.isPending} onPress={() => end.mutate()}>
          {t("sessionRevoke")}
        </Button>
      )}
    </li>
  );
}
