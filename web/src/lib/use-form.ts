import { useCallback, useRef, useState, type FormEvent } from "react";
import { isAbort, toApiError, type ApiError } from "./api/error";

type Errors<T> = Partial<Record<keyof T & string, string>>;

interface Options<T extends object> {
  initial: T;
  /** What is wrong with the values, by field; asked on submit, then on every change. */
  validate?: (values: T) => Errors<T>;
  submit: (values: T) => Promise<unknown>;
  /** The field and the words for a failure that belongs to one field. */
  fieldError?: (err: ApiError) => Errors<T>;
}

/**
 * The state of one form: values, what is wrong, whether it is being sent.
 * After a failed submit the first wrong field has the focus, and the values
 * stay as they were typed.
 */
export function useForm<T extends object>({ initial, validate, submit, fieldError }: Options<T>) {
  const [values, setValues] = useState(initial);
  const [tried, setTried] = useState(false);
  const [refused, setRefused] = useState<Errors<T>>({});
  const [failure, setFailure] = useState<ApiError | null>(null);
  const [pending, setPending] = useState(false);
  const form = useRef<HTMLFormElement>(null);

  const found = tried && validate ? validate(values) : {};
  const errors: Errors<T> = { ...found, ...refused };

  const set = useCallback(<K extends keyof T & string>(name: K, value: T[K]) => {
    setValues((old) => ({ ...old, [name]: value }));
    setRefused((old) => ({ ...old, [name]: undefined }));
  }, []);

  const focusFirstError = () => {
    requestAnimationFrame(() => {
      // A list that opens is a button.
      const field = form.current?.querySelector<HTMLElement>("[aria-invalid=true], [data-invalid=true] button");
      field?.focus();
      field?.scrollIntoView({ block: "center" }); // what is wrong with it stands under it
    });
  };

  async function onSubmit(event?: FormEvent) {
    event?.preventDefault();
    event?.stopPropagation();
    if (pending) return;
    setTried(true);
    setRefused({});
    setFailure(null);
    if (validate && Object.values(validate(values)).some(Boolean)) {
      focusFirstError();
      return;
    }
    setPending(true);
    try {
      await submit(values);
    } catch (err) {
      if (isAbort(err)) return;
      const apiError = toApiError(err);
      const byField = fieldError?.(apiError) ?? {};
      if (Object.values(byField).some(Boolean)) {
        setRefused(byField);
        focusFirstError();
      } else {
        setFailure(apiError);
      }
    } finally {
      setPending(false);
    }
  }

  return {
    values,
    set,
    errors,
    failure,
    pending,
    /** Props of the form element. The browser's own validation stays out: its words are not ours. */
    form: { ref: form, onSubmit, noValidate: true },
    /** Props of a text-like field. */
    field: <K extends keyof T & string>(name: K) => ({
      name,
      value: values[name],
      onChange: (value: T[K]) => set(name, value),
      error: errors[name],
    }),
    reset: (next: T) => {
      setValues(next);
      setTried(false);
      setRefused({});
      setFailure(null);
    },
    submit: onSubmit,
  };
}
