import type { Model } from "@/lib/api/types";

/** How confidential something is, 1 to 3; 0: nobody has said. */
export type Confidentiality = 0 | 1 | 2 | 3;

/** What something can be classified as. */
export const confidentialities = [1, 2, 3] as const;

/** How confidential a conversation counts as: what was chosen for it, else what the organisation begins with. */
export const counted = (chosen: number | undefined, initial: number | undefined) => (chosen || initial || 0) as Confidentiality;

/** Whether what is this confidential may be sent to the model. */
export const takesClass = ({ classes }: Pick<Model, "classes">, confidentiality: Confidentiality) => classes.includes(confidentiality);
