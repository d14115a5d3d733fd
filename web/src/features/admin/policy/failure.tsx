import { useTranslation } from "react-i18next";
import { ApiError } from "@/lib/api/error";
import { ErrorNotice } from "@/ui/error-notice";
import { Notice } from "@/ui/notice";

/** Why there is no answer. What is wrong with a question, the server says in the person's language, line by line. */
export function Failure({ error }: { error: unknown }) {
  const { t } = useTranslation("policy");
  if (!(error instanceof ApiError) || error.code !== "invalid_input" || !error.detail) return <ErrorNotice error={error} />;
  return (
    <Notice live tone="danger" title={t("badQuestion")}>
      <ul className="list-disc pl-5 break-words">
        {error.detail.split("\n").map((line, i) => (
          <li key={i}>{line}</li>
        ))}
      </ul>
    </Notice>
  );
}
