import { useEffect, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { ApiError } from "@/lib/api/error";
import type { Me } from "@/lib/api/types";
import { knowsPasskeys, offersQuietly } from "@/lib/webauthn";
import { signInWithPasskey } from "./api";
import { PasskeyAct, PasskeyFailure } from "./passkey-act";

/** How long the server waits for the answer to a question, less a little. */
const patience = 9 * 60_000;

/** Signing in with a passkey alone: by a button, and where the address is typed if the browser can. */
export function PasskeySignIn({ onDone }: { onDone: (me: Me) => void }) {
  const { t } = useTranslation("security");
  const quiet = useRef<AbortController>(undefined);
  const [failure, setFailure] = useState<unknown>();

  useEffect(() => {
    const offer = async () => {
      quiet.current?.abort();
      const control = (quiet.current = new AbortController());
      if (!(await offersQuietly()) || control.signal.aborted) return;
      try {
        onDone(await signInWithPasskey({ quiet: true, signal: control.signal }));
      } catch (err) {
        // What the browser makes of a question nobody asked for is no failure.
        if (err instanceof ApiError && err.code !== "unreachable") setFailure(err);
      }
    };
    void offer();
    const again = setInterval(() => void offer(), patience);
    return () => {
      clearInterval(again);
      quiet.current?.abort();
    };
  }, [onDone]);

  if (!knowsPasskeys()) return null;
  return (
    <div className="mt-4 grid gap-4">
      <p className="flex items-center gap-3 text-14 text-muted before:h-px before:flex-1 before:bg-[var(--border)] after:h-px after:flex-1 after:bg-[var(--border)]">{t("or")}</p>
      <PasskeyFailure error={failure} />
      <PasskeyAct
        label={t("signInPasskey")}
        act={async () => {
          setFailure(undefined);
          quiet.current?.abort(); // the browser takes one question at a time
          onDone(await signInWithPasskey());
        }}
      />
    </div>
  );
}
