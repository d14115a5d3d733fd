import { useFormats } from "@/lib/format";
import { useDayText } from "@/lib/day";
import { TextField, type TextFieldProps } from "./text-field";

/** A day, as the browser lets people pick one; in words below it where the person counts years by the era. */
export function DayField({ hint, value, ...props }: Omit<TextFieldProps, "type"> & { value: string }) {
  const format = useFormats();
  const dayText = useDayText();
  const said = format.era && /^\d{4}-\d{2}-\d{2}$/.test(value) ? dayText(value) : undefined;
  return <TextField {...props} value={value} type="date" hint={said && hint ? format.facts(said, String(hint)) : (said ?? hint)} />;
}
