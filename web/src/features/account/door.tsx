import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { changeLocale } from "@/lib/i18n";
import { Mark } from "@/ui/brand";
import { TextButton } from "@/ui/button";
import { useTitle } from "@/ui/page";

interface Props {
  title: string;
  children: ReactNode;
}

/** The page outside the frame: the way in on the left, what to know on the right. */
export function Door({ title, children }: Props) {
  const { t, i18n } = useTranslation("account");
  useTitle(title);
  const other = i18n.language === "en" ? "ja" : "en";
  return (
    <div className="grid min-h-dvh md:grid-cols-2">
      <main className="flex justify-end px-12 pt-22 pb-12 max-lg:justify-center max-md:px-4 max-md:pt-6">
        <div className="w-full max-w-96 lg:mr-12">
          <p className="mb-8 inline-flex items-center gap-2.5 text-18 font-bold max-md:mb-6">
            <Mark />
            Kakoi
          </p>
          <h1 className="mb-4 text-24">{title}</h1>
          {children}
        </div>
      </main>
      <aside aria-labelledby="before" className="border-rule bg-surface-side px-12 pt-22 pb-12 max-md:border-t max-md:px-4 max-md:pt-6 md:border-l lg:pl-24">
        <div className="max-w-110">
          <h2 id="before" className="border-b border-strong pb-3 text-18">
            {t("before")}
          </h2>
          <ul className="grid list-disc gap-2 pt-3 pl-[1.4em] leading-prose">
            <li>{t("rule1")}</li>
            <li>{t("rule2")}</li>
            <li>{t("rule3")}</li>
          </ul>
          <dl className="mt-8 grid grid-cols-[6.5rem_minmax(0,1fr)] gap-4 border-t border-rule pt-4 text-14 text-muted">
            <dt>{t("language")}</dt>
            <dd>
              {i18n.language === "en" ? t("english") : t("japanese")}
              <TextButton className="ml-3" lang={other} onPress={() => void changeLocale(other)}>
                {other === "en" ? t("english") : t("japanese")}
              </TextButton>
            </dd>
          </dl>
        </div>
      </aside>
    </div>
  );
}
