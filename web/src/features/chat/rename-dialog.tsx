import { useState } from "react";
import { useTranslation } from "react-i18next";
import { Button } from "@/ui/button";
import { Dialog } from "@/ui/dialog";
import { TextField } from "@/ui/text-field";
import { useRename } from "./conversation-acts";

interface Props {
  id: string;
  title: string;
  isOpen: boolean;
  onClose: () => void;
}

/** Gives a conversation another name. */
export function RenameDialog(props: Props) {
  return props.isOpen ? <Body {...props} /> : null;
}

function Body({ id, title, onClose }: Props) {
  const { t } = useTranslation("chat");
  const { t: common } = useTranslation("common");
  const { t: ui } = useTranslation("ui");
  const [value, setValue] = useState(title);
  const rename = useRename();
  const save = () => {
    const next = value.trim();
    if (next !== "" && next !== title) rename.mutate({ id, title: next });
    onClose();
  };
  return (
    <Dialog
      title={t("rename")}
      size="small"
      isOpen
      onClose={onClose}
      footer={
        <>
          <Button onPress={onClose}>{ui("cancel")}</Button>
          <Button tone="primary" disabledReason={value.trim() === "" && t("titleEmpty")} onPress={save}>
            {common("save")}
          </Button>
        </>
      }
    >
      <form
        onSubmit={(event) => {
          event.preventDefault();
          save();
        }}
      >
        <TextField label={t("title")} value={value} onChange={setValue} maxLength={200} autoFocus />
      </form>
    </Dialog>
  );
}
