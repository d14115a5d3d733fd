import { useTranslation } from "react-i18next";
import type { ApiError } from "@/lib/api/error";
import { useForm } from "@/lib/use-form";
import { Button } from "./button";
import { Dialog } from "./dialog";
import { ErrorNotice } from "./error-notice";
import { TextField } from "./text-field";

interface Props {
  title: string;
  /** Of the field. */
  label: string;
  hint?: string | undefined;
  /** The name that it has. */
  name?: string | undefined;
  /** The verb on the button. */
  act: string;
  maxLength?: number;
  onSave: (name: string) => Promise<unknown>;
  onClose: () => void;
  /** The words when another has the name. */
  taken?: string;
}

/** Asks for a name: of something new, or another one of something. */
export function NameDialog({ title, label, hint, name = "", act, maxLength, onSave, onClose, taken }: Props) {
  const { t: common } = useTranslation("common");
  const { t: ui } = useTranslation("ui");
  const isTaken = (err: ApiError) => err.code === "conflict" || err.code === "name_taken";
  const form = useForm({
    initial: { name },
    validate: (v) => ({ name: v.name.trim() ? undefined : common("required") }),
    submit: async (v) => {
      await onSave(v.name.trim());
      onClose();
    },
    fieldError: (err) => ({ name: taken && isTaken(err) ? taken : err.field === "name" ? common("refused") : undefined }),
  });
  return (
    <Dialog
      title={title}
      size="small"
      isOpen
      onClose={onClose}
      footer={
        <>
          <Button onPress={onClose}>{ui("cancel")}</Button>
          <Button tone="primary" isPending={form.pending} pendingLabel={common("saving")} onPress={() => void form.submit()}>
            {act}
          </Button>
        </>
      }
    >
      <form {...form.form} className="grid gap-4">
        {form.failure && <ErrorNotice error={form.failure} />}
        <TextField {...form.field("name")} label={label} hint={hint} autoFocus autoComplete="off" maxLength={maxLength} />
        <button type="submit" hidden aria-hidden="true" tabIndex={-1} />
      </form>
    </Dialog>
  );
}
