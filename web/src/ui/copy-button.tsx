import { Check, Copy } from "lucide-react";
import { useEffect, useState } from "react";
import { useTranslation } from "react-i18next";
import { announce } from "@/lib/announce";
import { copyText } from "@/lib/clipboard";
import { Button, IconButton } from "./button";
import { toast } from "./toast";

interface Props {
  text: string | (() => string);
  /** What is copied, for those who do not see where the button stands. */
  label: string;
  /** With words, or the drawing alone. */
  words?: string;
}

/** Puts text on the clipboard and says so where it stands. */
export function CopyButton({ text, label, words }: Props) {
  const { t } = useTranslation("ui");
  const [done, setDone] = useState(false);

  useEffect(() => {
    if (!done) return;
    const timer = setTimeout(() => setDone(false), 2000);
    return () => clearTimeout(timer);
  }, [done]);

  const copy = async () => {
    if (await copyText(typeof text === "string" ? text : text())) {
      setDone(true);
      announce(t("copied"));
    } else {
      toast({ tone: "danger", text: t("copyFailed") });
    }
  };

  return words ? (
    <Button tone="quiet" size="dense" icon={done ? Check : Copy} aria-label={label} onPress={() => void copy()}>
      {done ? t("copied") : words}
    </Button>
  ) : (
    <IconButton icon={done ? Check : Copy} label={done ? t("copied") : label} size="dense" iconSize={16} onPress={() => void copy()} />
  );
}
