import { useTranslation } from "react-i18next";
import { toApiError } from "@/lib/api/error";
import { useErrorTextOf } from "@/lib/error-text";
import { RequestId } from "@/ui/error-notice";

/** Failures whose own words say that nothing is lost. */
const saysSo: ReadonlySet<string> = new Set(["unreachable", "unauthenticated"]);

/** Why the words are back in the field. */
export function SendFailed({ error }: { error: unknown }) {
  const { t } = useTranslation("chat");
  const failure = toApiError(error);
  const text = useErrorTextOf()(failure);
  return (
    <div role="alert" className="rounded-8 border border-danger bg-danger-soft px-4 py-2 text-14">
      <p className="font-bold">{text.what}</p>
      <p>{text.todo}</p>
      {failure.requestId !== "" && failure.status >= 500 && <RequestId id={failure.requestId} />}
      {!saysSo.has(failure.code) && <p>{t("wordsKept")}</p>}
    </div>
  );
}
