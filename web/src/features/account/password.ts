import { useTranslation } from "react-i18next";

/** The shortest password the server takes, in characters. */
export const minimum = 12;

/** Says what is wrong with a new password before the server has to. */
export function useNewPasswordCheck(): (password: string, current?: string) => string | undefined {
  const { t } = useTranslation("account");
  const { t: common } = useTranslation("common");
  return (password, current) => {
    const length = Array.from(password).length;
    if (length === 0) return common("required");
    if (length < minimum) return t("passwordShort", { count: length });
    if (current !== undefined && password === current) return t("passwordSame");
    return undefined;
  };
}
